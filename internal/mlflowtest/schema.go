package mlflowtest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// ValidateReport checks an encoded wide report as ReportSchema.Validate does.
func ValidateReport(doc []byte) error {
	s, err := NewReportSchema()
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

// A ReportSchema holds documents against the schema of reports. It is for
// those who check many, and safe for concurrent use.
type ReportSchema struct {
	schemas map[string]*jsonschema.Schema
}

const (
	strictSchema   = "report.json"
	looseSchema    = "compat.json"
	documentSchema = strictSchema + "#/$defs/"
)

// NewReportSchema reads the schema.
func NewReportSchema() (*ReportSchema, error) {
	c := jsonschema.NewCompiler()
	names := []string{strictSchema, looseSchema}
	for _, name := range []string{strictSchema, looseSchema} {
		s, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
		if err != nil {
			return nil, err
		}
		root, ok := s.(map[string]any)
		if !ok {
			return nil, errors.New("the schema is not an object")
		}
		delete(root, "$id") // two schemas of one id
		if name == looseSchema {
			loosen(root)
		} else {
			names = append(names, documents(root)...)
		}
		if err := c.AddResource(name, root); err != nil {
			return nil, err
		}
	}
	out := &ReportSchema{schemas: map[string]*jsonschema.Schema{}}
	for _, name := range names {
		schema, err := c.Compile(name)
		if err != nil {
			return nil, err
		}
		out.schemas[name] = schema
	}
	return out, nil
}

// documents are the places of the schemas of what commands print.
func documents(root map[string]any) []string {
	var names []string
	defs, _ := root["$defs"].(map[string]any)
	for name := range defs {
		if strings.HasPrefix(name, "get-") {
			names = append(names, documentSchema+name)
		}
	}
	return names
}

// loosen takes from a schema all that the format of the seed tool breaks: it
// makes numbers of ids, nulls of texts and other trees of files. What is left
// says which sections and which attributes with an underscore there are.
func loosen(schema map[string]any) {
	for _, k := range []string{"type", "pattern", "const", "enum", "required"} {
		delete(schema, k)
	}
	for k, v := range schema {
		below, ok := v.(map[string]any)
		switch {
		case !ok || k == "not":
		case k == "properties" || k == "$defs":
			for _, p := range below {
				if p, ok := p.(map[string]any); ok {
					loosen(p)
				}
			}
		default:
			loosen(below)
		}
	}
	if defs, ok := schema["$defs"].(map[string]any); ok {
		defs["artifacts"] = true
		delete(schema, "allOf")
	}
}

// Validate checks an encoded wide report: it must be strict JSON in the form
// of all files of a tree, and keep to the schema. A section, or an attribute
// that begins with an underscore, that is not in the schema is an error.
// Reports of the seed's format (they have no `manifest.format`) may have other
// types.
func (s *ReportSchema) Validate(doc []byte) error {
	r, err := report.Decode(doc)
	if err != nil {
		return err
	}
	if !bytes.Equal(report.Encode(r), doc) {
		return errors.New("not written as the files of a tree are")
	}
	if !r.Object("manifest").Has("format") {
		return s.check(looseSchema, doc)
	}
	return s.check(strictSchema, doc)
}

// ValidateDocument checks what a command such as `get-run` prints, in the
// default format.
func (s *ReportSchema) ValidateDocument(command string, doc []byte) error {
	if _, err := mlflow.DecodeStrict(string(doc)); err != nil {
		return err
	}
	return s.check(documentSchema+command, doc)
}

func (s *ReportSchema) check(name string, doc []byte) error {
	schema := s.schemas[name]
	if schema == nil {
		return fmt.Errorf("there is no schema %s", name)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("does not keep to the schema of reports: %w", err)
	}
	return nil
}
