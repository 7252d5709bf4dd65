package listing

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func rowsOf(t *testing.T, texts ...string) iter.Seq2[*mlflow.Object, error] {
	t.Helper()
	var rows []*mlflow.Object
	for _, text := range texts {
		o, err := mlflow.DecodeJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, o)
	}
	return func(yield func(*mlflow.Object, error) bool) {
		for _, o := range rows {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func written(t *testing.T, k Kind, format, columns string, rows iter.Seq2[*mlflow.Object, error]) string {
	t.Helper()
	chosen, err := Choose(k, strings.Split(columns, ","), false)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if _, err := Write(&b, format, 0, chosen, rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a registry's users typed must not become a formula, a line of its own or
// a colour of the terminal.
func TestValuesStayInTheirCells(t *testing.T) {
	const row = `{"name":"=cmd()","version":"1","description":"two\nlines, \"quoted\" \u001b[31m","tags":[{"key":"k","value":"-1"},{"key":"a","value":"@x"}]}`
	if d := cmp.Diff("name,description,tags.k,tags.a\n'=cmd(),\"two\nlines, \"\"quoted\"\" �[31m\",-1,'@x\n",
		written(t, ModelVersions, CSV, "name,description,tags.k,tags.a", rowsOf(t, row))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("NAME    DESCRIPTION\n=cmd()  two lines, \"quoted\" \uFFFD[31m\n", written(t, ModelVersions, Table, "name,description", rowsOf(t, row))); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(`{"name":"=cmd()","tags":{"a":"@x","k":"-1"}}`+"\n", written(t, ModelVersions, JSONL, "name,tags", rowsOf(t, row))); d != "" {
		t.Error(d)
	}
}

// An error in the middle of a listing ends it, and what came before is there.
func TestAListingThatBreaksOffSaysSo(t *testing.T) {
	broken := errors.New("gone")
	rows := func(yield func(*mlflow.Object, error) bool) {
		_ = yield(mlflow.NewObject(mlflow.Member{Key: "name", Value: "a"}), nil) && yield(nil, broken)
	}
	for _, format := range []string{Table, CSV, JSON, JSONL} {
		var b strings.Builder
		if n, err := Write(&b, format, 0, []Column{shown("name")}, rows); !errors.Is(err, broken) || n != 1 {
			t.Errorf("%s: %d rows, %v", format, n, err)
		}
	}
}

func TestRowsAreSortedByWhatColumnsMean(t *testing.T) {
	rows := rowsOf(t,
		`{"info":{"run_id":"a"},"data":{"metrics":[{"key":"m","value":9}]}}`,
		`{"info":{"run_id":"b"},"data":{}}`,
		`{"info":{"run_id":"c"},"data":{"metrics":[{"key":"m","value":10}]}}`,
		`{"info":{"run_id":"d"},"data":{"metrics":[{"key":"m","value":-1e3}]}}`,
	)
	for order, want := range map[string]string{"metrics.m": "d a c b ", "metrics.m DESC": "c a d b ", "run_id desc": "d c b a "} {
		by, err := ParseOrder(Runs, order)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for row, err := range Pick(rows, nil, []Order{by}, 0) {
			if err != nil {
				t.Fatal(err)
			}
			got += mlflow.Run{Object: row}.ID() + " "
		}
		if got != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
	}
}

// Of rows that are not asked for none is fetched.
func TestAListingStopsAtItsLastRow(t *testing.T) {
	asked := 0
	rows := func(yield func(*mlflow.Object, error) bool) {
		for asked < 1000 {
			if asked++; !yield(mlflow.NewObject(), nil) {
				return
			}
		}
	}
	for range Pick(rows, nil, nil, 3) {
		continue
	}
	if asked != 3 {
		t.Errorf("%d rows were asked for", asked)
	}
}

func TestAFolderHasTheSizeOfItsFiles(t *testing.T) {
	got := Draw("x", []mlflow.FileInfo{{Path: "b/c/d", Bytes: 1000}, {Path: "a", Bytes: 1}, {Path: "b", Dir: true}, {Path: "b/e", Bytes: 500}, {Path: "empty", Dir: true}})
	want := strings.Join([]string{
		"x              1.5 kB in 3 files",
		"├── a          1 B",
		"├── b/         1.5 kB",
		"│   ├── c/     1.0 kB",
		"│   │   └── d  1.0 kB",
		"│   └── e      500 B",
		"└── empty/     0 B", "",
	}, "\n")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
