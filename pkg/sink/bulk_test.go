//go:build unix

package sink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/bulk"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// line is what the lines of a tree say about a place; "" for nothing.
func line(t *testing.T, dir, place string) string {
	t.Helper()
	root, err := os.OpenRoot(filepath.Join(dir, bulkFolder))
	if errors.Is(err, fs.ErrNotExist) {
		root, err = os.OpenRoot(filepath.Join(dir, bulkOld)) // for a moment of the commit
	}
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	r, err := bulk.Open(root)
	if err != nil || r == nil {
		t.Fatalf("%v, %v", r, err)
	}
	defer r.Close()
	text, err := r.Line(place)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLinesSayWhatTheTreeSays(t *testing.T) {
	for _, format := range []Format{FormatJSONL, FormatBoth} {
		t.Run(string(format), func(t *testing.T) {
			dir := memory(t)
			o := Options{Dir: dir, Format: format}
			batch(t, o, Report{Place: "A/1", JSON: doc("t1", "run=1")}, Report{Place: "A/2", JSON: doc("t1", "run=1")})
			got := batch(t, o,
				Report{Place: "A/1", JSON: doc("t2", "run=1")}, // nothing but the time
				Report{Place: "A/2", JSON: doc("t2", "run=2")},
				Report{Place: "B/1", JSON: doc("t2")})
			if d := cmp.Diff([]Change{Unchanged, Changed, New}, []Change{got[0].Change, got[1].Change, got[2].Change}); d != "" {
				t.Error(d)
			}
			for place, want := range map[string]string{
				"A/1": `{"manifest":{"timestamp":"t1"},"run":1}`,
				"A/2": `{"manifest":{"timestamp":"t2"},"run":2}`,
				"B/1": `{"manifest":{"timestamp":"t2"}}`,
			} {
				if got := line(t, dir, place); got != want {
					t.Errorf("%s: %s, want %s", place, got, want)
				}
			}
			_, err := os.Stat(filepath.Join(dir, reportsFolder))
			if (err == nil) != (format == FormatBoth) {
				t.Errorf("folders of reports: %v", err)
			}
		})
	}
}

func TestAFailureKeepsTheLineOfYesterday(t *testing.T) {
	dir := memory(t)
	o := Options{Dir: dir, Format: FormatJSONL}
	batch(t, o, Report{Place: "A/1", JSON: doc("t1", "run=1")}, Report{Place: "A/2", JSON: doc("t1", "run=1")})
	tree := openTree(t, o)
	unavailable := []mlflow.Issue{mlflow.NewIssue("run", mlflow.Unavailable, "x")}
	one := Report{Place: "A/1", JSON: doc("t2"), Issues: unavailable}
	w, err := tree.WriteReport(one)
	if err != nil || w.Change != Stale {
		t.Fatalf("%v, %v", w.Change, err)
	}
	if err := tree.Add(rowOf(0, one, w)); err != nil {
		t.Fatal(err)
	}
	kept, ok, err := tree.Keep("A/2")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := tree.Add(rowOf(1, Report{Place: "A/2"}, kept)); err != nil {
		t.Fatal(err)
	}
	if err := tree.Commit(report.Index{}, Run{}); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"A/1", "A/2"} {
		if got := line(t, dir, place); got != `{"manifest":{"timestamp":"t1"},"run":1}` {
			t.Errorf("%s: %s", place, got)
		}
	}
}

// The other form would stay behind and tell of another day.
func TestATreeOfAnotherFormatIsRefused(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/1", JSON: doc("t1")})
	if _, err := Open(t.Context(), Options{Dir: dir, Now: clock, Format: FormatJSONL}); !errors.Is(err, ErrFormat) {
		t.Errorf("jsonl in a tree: %v", err)
	}
	batch(t, Options{Dir: dir, Format: FormatBoth}, Report{Place: "A/1", JSON: doc("t1")})
	if _, err := Open(t.Context(), Options{Dir: dir, Now: clock}); !errors.Is(err, ErrFormat) {
		t.Errorf("tree beside lines: %v", err)
	}
}

// A batch is killed before each of its steps in turn: the lines are always
// whole, those of yesterday or those of today, and the next batch ends as if
// nothing had happened.
func TestLinesAreWholeWheneverABatchIsKilled(t *testing.T) {
	for _, format := range []Format{FormatJSONL, FormatBoth} {
		t.Run(string(format), func(t *testing.T) {
			want := memory(t)
			linesOfYesterday(t, want, format)
			tree := openTree(t, Options{Dir: want, Format: format})
			if err := errors.Join(nightly(tree), tree.Close()); err != nil {
				t.Fatal(err)
			}
			good := files(t, want)
			kills := 0
			for ; ; kills++ {
				dir := memory(t)
				linesOfYesterday(t, dir, format)
				if p := startChild(t, "kill", dir, strconv.Itoa(kills+1), string(format)); !p.wasKilled() {
					break
				}
				a, c := line(t, dir, "A/2"), line(t, dir, "C/1")
				if today := strings.Contains(a, `"run":2`); today != (c != "") || a == "" {
					t.Errorf("kill %d: half a batch: %q, %q", kills, a, c)
				}
				tree := openTree(t, Options{Dir: dir, Format: format})
				if err := errors.Join(nightly(tree), tree.Close()); err != nil {
					t.Fatalf("kill %d: %v", kills, err)
				}
				if d := cmp.Diff(good, files(t, dir)); d != "" {
					t.Fatalf("kill %d: %s", kills, d)
				}
			}
			if kills < 12 {
				t.Errorf("only %d steps", kills)
			}
		})
	}
}

func linesOfYesterday(t *testing.T, dir string, format Format) {
	t.Helper()
	batch(t, Options{Dir: dir, Format: format},
		Report{Place: "A/1", JSON: doc("old", "run=1")},
		Report{Place: "A/2", JSON: doc("old", "run=1")},
	)
}
