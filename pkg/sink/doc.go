// Package sink writes finished reports into files. What goes in are report
// bytes, rows of the index and facts of the batch; what comes out is a tree
// (see Tree) that is valid at every moment: each file in it is complete, and
// index.json, written last, names them.
//
// It never looks into MLflow, never writes outside its folder, and never
// removes or overwrites what was written before because something failed
// today. Names of folders follow Encode and Places.
package sink
