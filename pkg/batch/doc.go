// Package batch is the whole flow of one batch, from the entries of a manifest
// to a tree of reports. Read it first: Run in batch.go, then lane.go (one
// host), job.go (one object) and rows.go (what the index says of it).
//
//	entries -> fetch.Select -> fetch.Fetch -> enrich.Bundle -> report.New -> sink.Tree
//
// It prints nothing, reads no environment and knows no kind of store.
package batch
