package find_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/find"
)

const (
	sqlite     = "SQLite format 3\x00"
	experiment = "artifact_location: file:///x\nexperiment_id: '12'\nname: e\n"
	run        = "artifact_uri: file:///x\nexperiment_id: '12'\nrun_id: r\n"
	model      = "creation_timestamp: 1\nname: m\n"
)

// page is a file of one page that begins with head.
func page(head string) string { return head + strings.Repeat("\x00", 4096-len(head)) }

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// stores are the candidates of a search as `kind path depth`.
func stores(t *testing.T, dir string, o find.Options) (list []string, r find.Result) {
	t.Helper()
	r, err := find.Stores(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Candidates {
		rel, err := filepath.Rel(dir, c.Path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(c.Kind)+" "+filepath.ToSlash(rel)+" "+string(rune('0'+c.Depth)))
	}
	return list, r
}

func TestFindsDatabasesAndFoldersBelowAFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"mlflow.db":                    page(sqlite),
		"a/store.bin":                  page(sqlite), // told by its bytes, not by its name
		"a/notes.db":                   page("something else"),
		"a/lfs.db":                     "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
		"a/mlruns/12/meta.yaml":        experiment,
		"a/mlruns/12/r/meta.yaml":      run,
		"a/mlruns/12/r/artifacts/x.db": page(sqlite), // within a store: an artifact
		"a/mlruns/beside.db":           page(sqlite),
		"b/mlruns/models/m/meta.yaml":  model,
		"c/mlruns/12/r/artifacts/f":    "files of a server, no store",
		"node_modules/x/mlflow.db":     page(sqlite),
	})
	got, r := stores(t, dir, find.Options{})
	want := []string{"lfs-pointer a/lfs.db 1", "folder a/mlruns 1", "database a/mlruns/beside.db 2", "database a/store.bin 1", "folder b/mlruns 1", "database mlflow.db 0"}
	if d := cmp.Diff(want, got); d != "" || r.Cut {
		t.Errorf("cut %v (-want +got):\n%s", r.Cut, d)
	}
}

// A folder that is itself a store is found when it is searched.
func TestFindsTheFolderItself(t *testing.T) {
	dir := write(t, map[string]string{"12/meta.yaml": experiment})
	if got, _ := stores(t, dir, find.Options{Depth: -1}); !cmp.Equal(got, []string{"folder . 0"}) {
		t.Error(got)
	}
}

func TestLinksAreNoWayOutAndNoCircle(t *testing.T) {
	dir := write(t, map[string]string{"data/real/12/meta.yaml": experiment, "data/mlflow.db": page(sqlite), "work/x": ""})
	for link, to := range map[string]string{
		"work/loop": "..", "work/mlruns": "../data/real", "work/mlflow.db": "../data/mlflow.db", "work/gone": "nowhere", "work/self": "self",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	got, _ := stores(t, filepath.Join(dir, "work"), find.Options{})
	if d := cmp.Diff([]string{"database mlflow.db 0", "folder mlruns 0"}, got); d != "" {
		t.Error(d)
	}
	all, _ := stores(t, dir, find.Options{})
	if len(all) != 2 {
		t.Errorf("a store that a link leads to is listed twice: %v", all)
	}
}

func TestSearchesAreBounded(t *testing.T) {
	dir := write(t, map[string]string{"a/b/c/mlflow.db": page(sqlite), "x.db": page(sqlite)})
	got, r := stores(t, dir, find.Options{Depth: 1})
	if d := cmp.Diff([]string{"database x.db 0"}, got); d != "" || !r.Cut {
		t.Errorf("cut %v: %s", r.Cut, d)
	}
	if _, r := stores(t, dir, find.Options{MaxEntries: 2}); !r.Cut {
		t.Error("more entries were looked at than allowed")
	}
}

func TestSaysWhyAFolderCannotBeSearched(t *testing.T) {
	if _, err := find.Stores(t.Context(), filepath.Join(t.TempDir(), "none"), find.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := find.Stores(ctx, t.TempDir(), find.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
