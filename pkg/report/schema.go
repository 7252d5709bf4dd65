package report

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (2020-12) of the wide report, with the documents of
// the `get-*` commands in `$defs`. Each attribute has type, `description`,
// `x-source` (where it is from) and `x-rule` (what was done to it).
func Schema() []byte { return slices.Clone(schema) }
