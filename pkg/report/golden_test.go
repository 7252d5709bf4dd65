package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

var update = flag.Bool("update", false, "write what is got into the testdata and docs")

// cases are the files of a folder of testdata; their names say what they show.
func cases(t *testing.T, folder string) map[string]*txtar.Archive {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if len(paths) < 3 {
		t.Fatalf("the cases are missing from testdata/%s", folder)
	}
	out := map[string]*txtar.Archive{}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = a
	}
	return out
}

// wantPart compares with the last part of a case, or with -update writes it.
func wantPart(t *testing.T, path string, a *txtar.Archive, got []byte) {
	t.Helper()
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
}

// newReport enriches a case and makes a report of it.
func newReport(t *testing.T, a *txtar.Archive) *mlflow.Object {
	t.Helper()
	const server = "http://mlflow.example:5000"
	eo := enrich.Options{UI: server, TrackingURI: server}
	o := report.Options{Source: server, Timestamp: time.Date(2026, 11, 23, 15, 4, 5, 0, time.FixedZone("", 3600))}
	for _, f := range a.Files {
		if f.Name == "options" {
			eo.Compat = strings.Contains(string(f.Data), "compat")
			eo.Databricks = strings.Contains(string(f.Data), "databricks")
			if strings.Contains(string(f.Data), "no-ui") {
				eo.UI, eo.TrackingURI, o.Source = "", "sqlite:///mlflow.db", "sqlite:///mlflow.db"
			}
		}
	}
	o.Compat, o.MLflowVersion = eo.Compat, "2.4.1"
	return report.New(enrich.Bundle(mlflowtest.ReadBundle(t, a), eo), o)
}

func TestReportsAreAsWrittenDown(t *testing.T) {
	schema, err := mlflowtest.NewReportSchema()
	if err != nil {
		t.Fatal(err)
	}
	for path, a := range cases(t, "reports") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := report.Encode(newReport(t, a))
			wantPart(t, path, a, got)
			if err := schema.Validate(got); err != nil {
				t.Error(err)
			}
		})
	}
}
