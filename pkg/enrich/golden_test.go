package enrich_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

var update = flag.Bool("update", false, "write what is got into the testdata")

// TestGolden enriches the bundle of each file in testdata and compares all of
// it. The files' names say what they show. `-update` rewrites them.
func TestGolden(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	if len(paths) < 5 {
		t.Fatal("the cases are missing from testdata")
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b, o := readCase(t, a)
			got := mlflow.EncodeReport(bundleObject(enrich.Bundle(b, o)))
			last := &a.Files[len(a.Files)-1]
			if last.Name != "want" {
				t.Fatal("the last part must be called want")
			}
			if *update {
				last.Data = got
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(last.Data), string(got)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// readCase reads the parts of a case.
func readCase(t *testing.T, a *txtar.Archive) (*mlflow.Bundle, enrich.Options) {
	t.Helper()
	o := enrich.Options{UI: "http://mlflow.example:5000", TrackingURI: "http://mlflow.example:5000"}
	for _, f := range a.Files {
		if f.Name == "options" {
			readOptions(t, f.Data, &o)
		}
	}
	return mlflowtest.ReadBundle(t, a), o
}

func readOptions(t *testing.T, data []byte, o *enrich.Options) {
	t.Helper()
	for line := range strings.Lines(string(data)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key {
		case "compat":
			o.Compat = true
		case "databricks":
			o.Databricks = true
		case "ui":
			o.UI = value
		case "tracking-uri":
			o.TrackingURI = value
		case "workspace":
			o.Workspace = value
		default:
			t.Fatalf("unknown option %q", key)
		}
	}
}

// bundleObject is all of a bundle that has something in it.
func bundleObject(b *mlflow.Bundle) *mlflow.Object {
	out := mlflow.NewObject()
	for _, m := range []mlflow.Member{
		{Key: "mlflow_model", Value: b.File.Content}, {Key: "run", Value: b.Run.Object},
		{Key: "experiment", Value: b.Experiment.Object}, {Key: "registered_model", Value: b.RegisteredModel.Object},
		{Key: "model_version", Value: b.ModelVersion.Object}, {Key: "logged_model", Value: b.LoggedModel.Object},
	} {
		if m.Value.(*mlflow.Object) != nil {
			out.Append(m.Key, m.Value)
		}
	}
	for _, c := range b.CopiedFrom {
		out.Set("copied_from", append(out.List("copied_from"), c.ModelVersion.Object))
	}
	return out
}
