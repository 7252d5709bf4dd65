package manifest

import _ "embed" // for the schema

//go:embed schema.json
var schema string

// Schema is the JSON Schema (draft-07) of a manifest, for editors.
func Schema() []byte { return []byte(schema) }
