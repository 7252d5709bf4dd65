package sink

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestCopiesHavePlacesThatAreSafeOnEverySystem(t *testing.T) {
	paths := []string{"model/a.json", "model/A.json", "run/../../etc/passwd", "run/.hidden", "run/con.json", "run/a\\b:c?", "run/" + strings.Repeat("deep/", 300) + "x", "run/caf\xe9"}
	got := FilePlaces(paths)
	want := map[string]string{
		"model/A.json": "files/model/A.json", "model/a.json": "files/model/a.json~" + hash("a.json")[:8], "run/../../etc/passwd": "files/run/%2E%2E/%2E%2E/etc/passwd",
		"run/.hidden": "files/run/%2Ehidden", "run/con.json": "files/run/%63on.json", "run/a\\b:c?": "files/run/a%5Cb%3Ac%3F", "run/caf\xe9": "files/run/caf%E9",
	}
	deep := paths[6]
	if len(got[deep]) > maxSegment+20 || !strings.HasPrefix(got[deep], "files/run/run%2Fdeep") {
		t.Error(got[deep])
	}
	delete(got, deep)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNothingIsStagedOutsideOfAReport(t *testing.T) {
	tree := openTree(t, Options{Dir: memory(t)})
	for _, file := range []string{"files/../../x", "report.json", "/files/x", "files", "", "files/a/../b"} {
		if _, err := tree.Stage("A/1", file, nil); err == nil {
			t.Errorf("%q was staged", file)
		}
	}
	outside := t.TempDir()
	dir := filepath.Join(tree.o.Dir, "model_reports", "A", "1")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "files")); err != nil {
		t.Skip(err)
	}
	if _, err := tree.Stage("A/1", "files/run/x", []byte("x")); err == nil {
		t.Error("a planted link was followed")
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("written outside: %v", left)
	}
}

func TestAStaleReportKeepsItsCopies(t *testing.T) {
	dir := memory(t)
	tree := openTree(t, Options{Dir: dir})
	if _, err := writeWithCopies(tree, Report{Place: "A/1", JSON: doc("1", "run")}, map[string]string{"files/run/x": "old"}); err != nil {
		t.Fatal(err)
	}
	w, err := writeWithCopies(tree, Report{Place: "A/1", JSON: doc("2"), Issues: []mlflow.Issue{unavailable("run")}}, map[string]string{"files/run/x": "new", "files/run/y": "new"})
	if err != nil || w.Change != Stale {
		t.Fatal(w.Change, err)
	}
	var refs []string
	for _, f := range w.Files {
		refs = append(refs, f.Path)
	}
	if d := cmp.Diff([]string{"model_reports/A/1/files/run/x", "model_reports/A/1/report.json"}, refs); d != "" {
		t.Error(d)
	}
	for name, text := range files(t, dir) {
		if isTemp(filepath.Base(name)) || strings.HasSuffix(name, "run/x") && text != "old" || strings.HasSuffix(name, "run/y") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestAPreviewTellsOfCopies(t *testing.T) {
	dir := memory(t)
	tree := openTree(t, Options{Dir: dir})
	if _, err := writeWithCopies(tree, Report{Place: "A/1", JSON: doc("1", "run")}, map[string]string{"files/run/x": "old"}); err != nil {
		t.Fatal(err)
	}
	tree.Close()
	before := files(t, dir)
	for text, want := range map[string]Change{"old": Unchanged, "new": Changed, "": Changed} {
		preview, err := OpenPreview(Options{Dir: dir, Same: sameButStamp})
		if err != nil {
			t.Fatal(err)
		}
		r := Report{Place: "A/1", JSON: doc("2", "run")}
		if text != "" {
			s, err := preview.Stage("A/1", "files/run/x", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			r.Files = append(r.Files, s)
		}
		if w, err := preview.WriteReport(r); err != nil || w.Change != want {
			t.Errorf("%q: %s, %v", text, w.Change, err)
		}
		preview.Close()
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Error(d)
	}
}
