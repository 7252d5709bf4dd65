package report_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// schemaObject is the schema with its members in order.
func schemaObject(t *testing.T) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeStrict(string(report.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	return o.(*mlflow.Object)
}

func TestEveryAttributeHasTypeSourceAndRule(t *testing.T) {
	check := func(at string, s *mlflow.Object) {
		for name, a := range s.Object("properties").All() {
			a := a.(*mlflow.Object)
			for _, k := range []string{"description", "x-source", "x-rule"} {
				if a.Text(k) == "" {
					t.Errorf("%s.%s has no %s", at, name, k)
				}
			}
			anything := []string{"metadata", "resources", "auth_policy", "env_vars"} // of MLmodel
			if !a.Has("type") && !a.Has("$ref") && !slices.Contains(anything, name) {
				t.Errorf("%s.%s has no type", at, name)
			}
		}
	}
	s := schemaObject(t)
	check("report", s)
	for name, def := range s.Object("$defs").All() {
		check(name, def.(*mlflow.Object))
	}
}

func TestIssuesHaveTheCodesOfTheSchema(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../mlflow/issue.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []any
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			code, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			codes = append(codes, code)
		}
		return true
	})
	want := schemaObject(t).Object("$defs").Object("issue").Object("properties").Object("code").List("enum")
	if d := cmp.Diff(want, codes); d != "" || len(codes) == 0 {
		t.Errorf("-schema +package mlflow\n%s", d)
	}
}

// TestAllThatIsOursOccurs wants each section and each attribute that we add in
// some report that these tests write.
func TestAllThatIsOursOccurs(t *testing.T) {
	s, seen := schemaObject(t), map[string]bool{}
	for _, folder := range []string{"reports", "documents"} {
		for path, a := range cases(t, folder) {
			doc, err := mlflow.DecodeStrict(string(a.Files[len(a.Files)-1].Data))
			if err != nil {
				t.Fatal(err)
			}
			root, at := s, "report"
			if folder == "documents" {
				at = strings.TrimSuffix(filepath.Base(path), ".txtar")
				root = s.Object("$defs").Object(at)
			}
			markSeen(s, root, at, doc, seen)
		}
	}
	for name, def := range schemas(s) {
		for key, a := range def.Object("properties").All() {
			ours := name == "report" || strings.HasPrefix(key, "_") || a.(*mlflow.Object).Text("x-source") == "mlreport"
			if at := name + "." + key; ours && !seen[at] {
				t.Errorf("no report of these tests has %s", at)
			}
		}
	}
}

// schemas are the report's and all below $defs, by name.
func schemas(s *mlflow.Object) map[string]*mlflow.Object {
	out := map[string]*mlflow.Object{"report": s}
	for name, def := range s.Object("$defs").All() {
		out[name] = def.(*mlflow.Object)
	}
	return out
}

// markSeen walks a document beside its schema.
func markSeen(root, schema *mlflow.Object, at string, v any, seen map[string]bool) {
	if ref := schema.Text("$ref"); ref != "" {
		at = strings.TrimPrefix(ref, "#/$defs/")
		schema = root.Object("$defs").Object(at)
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			markSeen(root, schema.Object("items"), at, item, seen)
		}
	case *mlflow.Object:
		for k, m := range v.All() {
			below := schema.Object("properties").Object(k)
			if below == nil {
				below = schema.Object("additionalProperties")
			} else {
				seen[at+"."+k] = true
			}
			markSeen(root, below, at, m, seen)
		}
	}
}

func TestWhatIsNotInTheSchemaIsFound(t *testing.T) {
	good := report.New(version(t), report.Options{})
	schema, err := mlflowtest.NewReportSchema()
	if err != nil {
		t.Fatal(err)
	}
	check := func(doc *mlflow.Object) error { return schema.Validate(report.Encode(doc)) }
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(doc *mlflow.Object){
		"an unknown section":           func(doc *mlflow.Object) { doc.Set("more", "x") },
		"an unknown attribute of ours": func(doc *mlflow.Object) { doc.Object("run").Object("info").Set("_more", "x") },
		"an attribute of another type": func(doc *mlflow.Object) { doc.Object("run").Object("info").Set("experiment_id", mlflow.Number("1")) },
		"a list of tags":               func(doc *mlflow.Object) { doc.Object("experiment").Set("tags", []any{}) },
		"the latest versions":          func(doc *mlflow.Object) { doc.Object("registered_model").Set("latest_versions", []any{}) },
		"a section that is not named":  func(doc *mlflow.Object) { doc.Delete("model_version") },
		"a time that is not one":       func(doc *mlflow.Object) { doc.Object("manifest").Set("timestamp", "today") },
		"an issue of an unknown kind": func(doc *mlflow.Object) {
			doc.Set("issues", []any{mlflow.NewObject(mlflow.Member{Key: "section", Value: "run"})})
		},
		"an unknown manifest attribute":  func(doc *mlflow.Object) { doc.Object("manifest").Set("more", "x") },
		"a compat attribute of no known": func(doc *mlflow.Object) { doc.Object("manifest").Delete("format"); doc.Object("run").Set("_more", "x") },
	} {
		doc := good.Clone()
		change(doc)
		if check(doc) == nil {
			t.Errorf("%s passed", name)
		}
	}
	doc := good.Clone()
	doc.Object("run").Object("info").Set("field_of_a_later_mlflow", "x")
	if err := check(doc); err != nil {
		t.Errorf("a field of a later MLflow: %v", err)
	}
	if schema.Validate(bytes.TrimSpace(report.Encode(good))) == nil {
		t.Error("a report without its final newline passed")
	}
}

// TestReportFormatIsDocumented holds docs/report-format.md against what the
// schema says; `-update` writes it.
func TestReportFormatIsDocumented(t *testing.T) {
	const path = "../../docs/report-format.md"
	want := documentation(schemaObject(t))
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("run `go test ./pkg/report -update`: -schema +docs\n%s", d)
	}
}
