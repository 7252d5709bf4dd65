// Package report makes documents of enriched objects: the wide report of one
// model (New), what each of the `get-*` commands prints (RunDocument and its
// like), and the index of a tree of reports (IndexWriter, IndexReader).
//
// What is in a report, down to each attribute, says schema.json; the tests of
// the whole project hold every report against it, and docs/report-format.md is
// generated from it.
//
// Nothing is read or written here, and no clock is asked: equal input gives
// equal bytes.
package report
