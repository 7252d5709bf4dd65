//go:build unix

package filestore

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// secret is what must not be read: it lies beside the store.
const secret = "the secret beside the store"

// besideSecret makes a store with folders outside of it that look like parts
// of one, and gives the store's folder.
func besideSecret(t *testing.T, all files) string {
	t.Helper()
	top := t.TempDir()
	write(t, top, files{
		"secret":                        secret,
		"out/meta.yaml":                 "experiment_id: '66'\nname: " + secret + "\n",
		"out/run9/meta.yaml":            strings.ReplaceAll(run("run9"), "'12'", "'66'"),
		"outrun/meta.yaml":              run("outrun"),
		"outtags/tag":                   secret,
		"m/meta.yaml":                   model,
		"m/version-1/meta.yaml":         versionIn("1", "None"),
		"store/12/meta.yaml":            exp12,
		"store/models/good/meta.yaml":   strings.Replace(model, "name: m", "name: good", 1),
		"store/models/good/version-x/x": "",
	})
	write(t, filepath.Join(top, "store"), all)
	return filepath.Join(top, "store")
}

func link(t *testing.T, dir, name, target string) {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, at); err != nil {
		t.Fatal(err)
	}
}

func TestLinksThatLeadOutOfTheStoreAreNotFollowed(t *testing.T) {
	dir := besideSecret(t, files{"12/r1/meta.yaml": run("r1"), "12/r2/meta.yaml": run("r2"), "12/r3/meta.yaml": run("r3"), "12/r4/metrics/k": "1 1 1"})
	link(t, dir, "12/r1/tags/tag", filepath.Join(filepath.Dir(dir), "secret")) // absolute
	link(t, dir, "12/r2/params", "../../../outtags")                           // a folder
	link(t, dir, "12/r3/metrics/k", "../../../../secret")
	link(t, dir, "12/r4/meta.yaml", "../../../outrun/meta.yaml")
	link(t, dir, "12/outrun", "../../outrun")
	link(t, dir, "66", "../out")
	link(t, dir, "models/m", "../../m")
	link(t, dir, "models/good/version-1", "../../../m/version-1")
	link(t, dir, "models/good/aliases/a", "../../../../secret")
	s := reopen(t, dir)
	for _, id := range []string{"r1", "r2", "r3", "r4", "outrun", "run9"} {
		_, err := getRun(t, s, id)
		wantError(t, err, mlflow.ErrUnavailable, "run "+id, "escapes", "a symbolic link leads out of the store")
	}
	_, err := getExperiment(t, s, "66")
	wantError(t, err, mlflow.ErrUnavailable, "experiment 66", "escapes")
	for _, name := range []string{"m", "good"} {
		_, err = getModel(t, s, name)
		wantError(t, err, mlflow.ErrUnavailable, name, "escapes")
		_, _, err = getVersion(t, s, name, 1)
		wantError(t, err, mlflow.ErrUnavailable, name, "escapes")
	}
	if models, _ := list(t, s, fetch.Query{Models: []string{"good", "m"}}); models != "good m" {
		t.Errorf("listed %q: what cannot be read must not vanish", models)
	}
}

func TestNamesAndIDsNeverLeadOutOfTheStore(t *testing.T) {
	dir := besideSecret(t, files{"12/r1/meta.yaml": run("r1")})
	s := reopen(t, dir)
	for _, name := range []string{"../m", "../../m", "..", ".", "", "/", filepath.Join(filepath.Dir(dir), "m"), "good/../../../m", "m\x00", "good/", "good/version-x", strings.Repeat("n", 300), strings.Repeat("../", 40) + "etc"} {
		_, err := getModel(t, s, name)
		wantError(t, err, mlflow.ErrNotFound, "registered model")
		_, _, err = getVersion(t, s, name, 1)
		wantError(t, err, mlflow.ErrNotFound, "registered model")
		_, err = getRun(t, s, name, name)
		wantError(t, err, mlflow.ErrNotFound, "run")
		_, err = getLoggedModel(t, s, name, name)
		wantError(t, err, mlflow.ErrNotFound, "logged model")
		_, err = getExperiment(t, s, name)
		wantError(t, err, mlflow.ErrNotFound, "experiment")
	}
}

func TestLinksWithinTheStoreAreFollowed(t *testing.T) {
	dir := besideSecret(t, files{"elsewhere/r1/meta.yaml": run("r1"), "elsewhere/r1/tags/tag": "value", "real/meta.yaml": "experiment_id: '13'\nname: thirteen\n"})
	link(t, dir, "12/r1", "../elsewhere/r1")
	link(t, dir, "elsewhere/r1/tags/twin", "tag")
	link(t, dir, "elsewhere/r1/tags/folder", ".") // as os.walk: not entered
	link(t, dir, "13", "real")
	s := reopen(t, dir)
	r, err := getRun(t, s, "r1")
	if err != nil {
		t.Fatal(err)
	}
	want(t, r.Data(), `{"tags": [{"key": "tag", "value": "value"}, {"key": "twin", "value": "value"}]}`)
	if e, err := getExperiment(t, s, "13"); err != nil || e.Text("name") != "thirteen" {
		t.Errorf("an experiment behind a link: %v", err)
	}
}

func TestOddFilesAreErrorsAndNeverBlock(t *testing.T) {
	dir := besideSecret(t, files{"12/r1/meta.yaml": run("r1"), "12/r2": "a run that is a file", "12/r3/meta.yaml/x": "", "12/r4/meta.yaml": run("r4"), "12/r4/params": "a file", "models/file": "x"})
	for _, name := range []string{"12/r1/tags", "12/r5"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"12/r1/tags/pipe", "12/r5/meta.yaml", "12/r4/metrics", "12/r6", "models/pipe"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := reopen(t, dir)
	_, err := getRun(t, s, "r1")
	wantError(t, err, mlflow.ErrUnavailable, "12/r1/tags/pipe is not a file")
	_, err = getRun(t, s, "r2")
	wantError(t, err, mlflow.ErrNotFound, "run r2")
	_, err = getRun(t, s, "r3")
	wantError(t, err, mlflow.ErrUnavailable, "12/r3/meta.yaml is not a file")
	if r, err := getRun(t, s, "r4"); err != nil || r.Data().Len() != 0 { // as the server
		t.Errorf("params that are a file, metrics that are a pipe: %v, %v", r.Object, err)
	}
	_, err = getRun(t, s, "r5")
	wantError(t, err, mlflow.ErrUnavailable, "12/r5/meta.yaml is not a file")
	_, err = getRun(t, s, "r6")
	wantError(t, err, mlflow.ErrNotFound, "run r6")
	for _, name := range []string{"file", "pipe"} {
		_, err = getModel(t, s, name)
		wantError(t, err, mlflow.ErrNotFound, "registered model")
	}
}

// huge makes a file that has a size, but takes no space.
func huge(t *testing.T, at string, size int64) {
	t.Helper()
	write(t, filepath.Dir(at), files{filepath.Base(at): ""})
	if err := os.Truncate(at, size); err != nil {
		t.Fatal(err)
	}
}

func TestHugeFilesAndYAMLBombsAreTooLarge(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'h'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 10) + "]\n"
	}
	dir := besideSecret(t, files{"12/bomb/meta.yaml": bomb, "12/value/meta.yaml": run("value"), "12/history/meta.yaml": run("history"), "12/fine/meta.yaml": run("fine"), "12/many/meta.yaml": run("many"),
		"12/fine/tags/json": strings.Repeat("v", 5<<20), "models/b/meta.yaml": bomb})
	for i := range 5 {
		huge(t, filepath.Join(dir, "12/many/tags", strconv.Itoa(i)), 15<<20)
	}
	huge(t, filepath.Join(dir, "12/meta/meta.yaml"), 50<<20)
	huge(t, filepath.Join(dir, "12/value/params/p"), 50<<20)
	huge(t, filepath.Join(dir, "12/history/metrics/m"), 2<<30)
	huge(t, filepath.Join(dir, "models/big/meta.yaml"), 50<<20)
	huge(t, filepath.Join(dir, "13/meta.yaml"), 50<<20)
	s := reopen(t, dir)
	for id, reason := range map[string]string{
		"bomb": "12/bomb/meta.yaml", "meta": "12/meta/meta.yaml has more than 16 MiB", "value": "12/value/params/p has more than 16 MiB",
		"history": "12/history/metrics/m has more than 1024 MiB", "many": "12/many/tags has more than 64 MiB",
	} {
		_, err := getRun(t, s, id)
		wantError(t, err, mlflow.ErrTooLarge, "reading run "+id, reason)
	}
	for _, name := range []string{"b", "big"} {
		_, err := getModel(t, s, name)
		wantError(t, err, mlflow.ErrTooLarge, `reading registered model "`+name+`"`)
	}
	_, err := getExperiment(t, s, "13")
	wantError(t, err, mlflow.ErrTooLarge, "13/meta.yaml")
	if r, err := getRun(t, s, "fine"); err != nil || len(r.Data().List("tags")) != 1 {
		t.Errorf("a tag of 5 MB: %v", err)
	}
}

func TestFoldersWithoutEndAreTooLarge(t *testing.T) {
	deep := "12/r1/tags/" + strings.Repeat("d/", 200) + "x"
	s := open(t, files{"12/r1/meta.yaml": run("r1"), deep: "v", "12/r2/meta.yaml": run("r2"), "12/r2/tags/" + strings.Repeat("d/", 124) + "x": "v"})
	_, err := getRun(t, s, "r1")
	wantError(t, err, mlflow.ErrTooLarge, "12/r1/tags/d", "levels")
	if _, err := getRun(t, s, "r2"); err != nil {
		t.Errorf("the longest key that MLflow allows: %v", err)
	}
}

func TestReadingChangesNothing(t *testing.T) {
	dir := besideSecret(t, files{"12/r1/meta.yaml": run("r1"), "models/good/version-1/meta.yaml": "x"})
	before := snapshot(t, dir)
	s := reopen(t, dir)
	_, _ = getRun(t, s, "r1")
	list(t, s, fetch.Query{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			b.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
