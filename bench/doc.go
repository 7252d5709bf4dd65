// Package bench measures batches against what the same machine can do at best:
// `make bench` fills a store of its own (bench/store), starts a real MLflow
// server on it, runs the cases of cases_test.go in turns, and writes
// bench/results.md. Beside mlreport it measures what people would use instead,
// and two limits that no batch can beat: bench/serverlimit and bench/copylimit.
//
// Figures are medians of rounds in which all cases run once. Only ratios within
// one table mean something elsewhere.
package bench
