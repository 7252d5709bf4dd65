// Package listing makes rows of MLflow objects for people and for programs:
// which columns a kind of object has (columns.go, as data), in what order rows
// come, and how they are written. Objects are those of MLflow's API or of
// reports; nothing is asked for here, and nothing is left out of a value.
package listing
