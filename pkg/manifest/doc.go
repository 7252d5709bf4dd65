// Package manifest reads the YAML file that says which models a batch reports
// on: bytes go in, resolved hosts and entries come out, or every mistake at
// once, each with its line and column. docs: the README's manifest reference
// and schema.json, the JSON Schema (draft-07) that editors use.
//
// It asks no store, reads no environment and opens no file: those come in
// through Options. What is filled in from the environment or a file is only
// ever text: it cannot change the structure, and no message repeats it.
package manifest
