package artifact

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// list lists a location as lines of path and size.
func list(t *testing.T, a *Artifacts, uri, path string, depth int) string {
	t.Helper()
	var lines []string
	for f, err := range a.List(t.Context(), fetch.Location{URI: uri, Owner: []string{run}}, path, depth) {
		switch {
		case err != nil:
			lines = append(lines, "error "+err.Error())
		case f.Dir:
			lines = append(lines, f.Path+"/")
		default:
			lines = append(lines, fmt.Sprintf("%s %d", f.Path, f.Bytes))
		}
	}
	return strings.Join(lines, "\n")
}

func TestReadsAtMostTheLimit(t *testing.T) {
	dir := tree(t, "MLmodel", "empty/")
	if err := os.WriteFile(filepath.Join(dir, "empty/MLmodel"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a := reader(t, Options{StoreDir: dir})
	size := int64(len("content of MLmodel"))
	for limit, want := range map[int64]error{size: nil, math.MaxInt64: nil, size - 1: mlflow.ErrTooLarge, 0: mlflow.ErrTooLarge} {
		f, err := a.ReadFile(t.Context(), fetch.Location{URI: dir}, "MLmodel", limit, fetch.Stamp{})
		if !errors.Is(err, want) || err == nil && f.Stamp.Size != size {
			t.Errorf("limit %d: %d bytes, %v", limit, len(f.Data), err)
		}
	}
	f, err := a.ReadFile(t.Context(), fetch.Location{URI: dir + "/empty"}, "MLmodel", 0, fetch.Stamp{})
	if err != nil || len(f.Data) != 0 {
		t.Errorf("an empty file: %q, %v", f.Data, err)
	}
}

func TestAFileThatDidNotChangeIsNotReadAgain(t *testing.T) {
	dir := tree(t, "MLmodel")
	a := reader(t, Options{StoreDir: dir})
	at := fetch.Location{URI: dir}
	first, err := a.ReadFile(t.Context(), at, "MLmodel", 100, fetch.Stamp{})
	if err != nil || first.Stamp.IsZero() {
		t.Fatal(first.Stamp, err)
	}
	again, err := a.ReadFile(t.Context(), at, "MLmodel", 100, first.Stamp)
	if err != nil || !again.Unchanged || again.Data != nil || again.Stamp != first.Stamp {
		t.Errorf("%+v, %v", again, err)
	}
	if err := os.Chtimes(filepath.Join(dir, "MLmodel"), time.Time{}, first.Stamp.ModTime.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	touched, err := a.ReadFile(t.Context(), at, "MLmodel", 100, first.Stamp)
	if err != nil || touched.Unchanged || len(touched.Data) == 0 {
		t.Errorf("%+v, %v", touched, err)
	}
}

func TestAFileThatIsNotThereOrIsNoFile(t *testing.T) {
	dir := tree(t, "folder/MLmodel/", "file", "file2/MLmodel")
	a := reader(t, Options{StoreDir: dir})
	for _, uri := range []string{dir, dir + "/folder", dir + "/file", dir + "/file2/MLmodel", dir + "/none"} {
		wantError(t, a, uri, mlflow.ErrNotFound)
	}
	wantError(t, reader(t, Options{StoreDir: dir + "/file"}), dir+"/file", mlflow.ErrNotFound)
	wantError(t, reader(t, Options{StoreDir: dir + "/none"}), dir+"/none", mlflow.ErrNotFound)
}

func TestStopsWhenAsked(t *testing.T) {
	dir := tree(t, "MLmodel")
	a := reader(t, Options{StoreDir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.ReadFile(ctx, fetch.Location{URI: dir}, "MLmodel", 100, fetch.Stamp{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for f, err := range a.List(ctx, fetch.Location{URI: dir}, "", 1) {
		if !errors.Is(err, context.Canceled) {
			t.Error(f, err)
		}
	}
}

func TestListsByNameAndDepth(t *testing.T) {
	const uri = "mlflow-artifacts:/1/" + run
	base := "artifacts/1/" + run + "/"
	dir := tree(t, base+"model/MLmodel", base+"model/data/a/b", base+"model.txt", base+"Z", base+"é", base+"none/", base+"a\\b")
	a := reader(t, Options{StoreDir: dir})
	for _, c := range []struct {
		path  string
		depth int
		want  string
	}{
		{"", 1, "Z 57|a\\b 59|model/|model.txt 65|none/|é 58"},
		{"", 2, "Z 57|a\\b 59|model/|model/MLmodel 69|model/data/|model.txt 65|none/|é 58"},
		{"", -1, "Z 57|a\\b 59|model/|model/MLmodel 69|model/data/|model/data/a/|model/data/a/b 70|model.txt 65|none/|é 58"},
		{"model", 1, "MLmodel 69|data/"},
		{"model/data", -1, "a/|a/b 70"},
		{"none", -1, ""},
	} {
		if got := strings.ReplaceAll(list(t, a, uri, c.path, c.depth), "\n", "|"); got != c.want {
			t.Errorf("%q, %d levels: %q, want %q", c.path, c.depth, got, c.want)
		}
	}
	for _, path := range []string{"nothing", "model.txt", "Z/x"} {
		if got := list(t, a, uri, path, 1); !strings.HasPrefix(got, "error listing "+uri+"/"+path) || !strings.Contains(got, "there is no such file") {
			t.Errorf("%q: %q", path, got)
		}
	}
}

func TestListsLinksWithoutFollowingThemOut(t *testing.T) {
	secret := tree(t, "file", "folder/file")
	dir := tree(t, "model/MLmodel", "shared/data")
	for link, target := range map[string]string{
		"out-file": secret + "/file", "out-folder": secret, "nowhere": "nothing", "self": "self", "loop": ".", "up": "..", "in-file": "MLmodel", "in-folder": "../shared",
	} {
		if err := os.Symlink(target, filepath.Join(dir, "model", link)); err != nil {
			t.Fatal(err)
		}
	}
	want := "MLmodel 24|in-file 24|in-folder/|in-folder/data 22|loop/|nowhere 0|out-file 0|out-folder 0|self 0|up/"
	got := strings.ReplaceAll(list(t, reader(t, Options{StoreDir: dir}), dir+"/model", "", 2), "\n", "|")
	if got != want+"|up/model/|up/shared/" {
		t.Errorf("two levels: %q, want %q", got, want)
	}
	all := list(t, reader(t, Options{StoreDir: dir}), dir+"/model", "", -1)
	if strings.Contains(all, "error") || strings.Contains(all, "folder/file") || strings.Count(all, "\n") > 100 {
		t.Errorf("all levels: %q", all)
	}
}

func TestAListingThatNestsTooDeepEnds(t *testing.T) {
	dir := tree(t, strings.Repeat("d/", maxNesting+1))
	got := list(t, reader(t, Options{StoreDir: dir}), dir, "", -1)
	if !strings.HasSuffix(got, fmt.Sprintf("there are more than %d folders in folders", maxNesting)) {
		t.Error(got[len(got)-200:])
	}
}

func TestAListingEndsWhenTheCallerHasSeenEnough(t *testing.T) {
	dir := tree(t, "a/b/c", "d")
	a := reader(t, Options{StoreDir: dir})
	for n := 1; n <= 4; n++ {
		seen := 0
		for _, err := range a.List(t.Context(), fetch.Location{URI: dir}, "", -1) {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen == n {
				break
			}
		}
	}
}

// proxy remembers what it was asked.
type proxy struct{ asked *[]string }

func (p proxy) ReadFile(_ context.Context, at fetch.Location, path string, limit int64, since fetch.Stamp) (fetch.File, error) {
	*p.asked = append(*p.asked, fmt.Sprint("read ", at.URI, at.Owner, path, limit, since.Size))
	return fetch.File{Data: []byte("proxied")}, nil
}

func (p proxy) List(_ context.Context, at fetch.Location, path string, depth int) iter.Seq2[mlflow.FileInfo, error] {
	*p.asked = append(*p.asked, fmt.Sprint("list ", at.URI, path, depth))
	return func(yield func(mlflow.FileInfo, error) bool) { yield(mlflow.FileInfo{Path: "x", Bytes: 1}, nil) }
}

func TestTheServerIsAskedForItsOwnArtifacts(t *testing.T) {
	var asked []string
	a := reader(t, Options{Proxy: proxy{&asked}, Roots: []Root{{Prefix: "mlflow-artifacts:/2", Path: t.TempDir()}}})
	f, err := a.ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/x", Owner: []string{"x"}}, "MLmodel", 7, fetch.Stamp{Size: 3})
	if err != nil || string(f.Data) != "proxied" {
		t.Error(f, err)
	}
	if got := list(t, a, "mlflow-artifacts:/1/x", "y", 3); got != "x 1" {
		t.Error(got)
	}
	if _, err := read(t, a, "https://h/api/2.0/mlflow-artifacts/artifacts/1"); err != nil {
		t.Error(err)
	}
	wantError(t, a, "mlflow-artifacts:/2/x", mlflow.ErrNotFound)
	want := "read mlflow-artifacts:/1/x[x]MLmodel7 3 list mlflow-artifacts:/1/xy3 " +
		"read https://h/api/2.0/mlflow-artifacts/artifacts/1[ " + run + " " + model + "]MLmodel1048576 0"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}
