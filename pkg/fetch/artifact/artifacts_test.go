package artifact

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	run   = "0123456789abcdef0123456789abcdef"
	model = "m-fedcba9876543210fedcba9876543210"
)

// tree makes files below a new folder; a name that ends in a slash is a folder.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		folder := path
		if !strings.HasSuffix(name, "/") {
			folder = filepath.Dir(path)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if folder == path {
			continue
		}
		if err := os.WriteFile(path, []byte("content of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func reader(t *testing.T, o Options) *Artifacts {
	t.Helper()
	a := New(o)
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// read reads MLmodel of a location that belongs to the run and the model.
func read(t *testing.T, a *Artifacts, uri string) (fetch.File, error) {
	t.Helper()
	return a.ReadFile(t.Context(), fetch.Location{URI: uri, Owner: []string{"", run, model}}, "MLmodel", 1<<20, fetch.Stamp{})
}

func wantFile(t *testing.T, a *Artifacts, uri, content, relocated string) {
	t.Helper()
	f, err := read(t, a, uri)
	if err != nil {
		t.Errorf("%s: %v", uri, err)
		return
	}
	if got := string(f.Data); got != "content of "+content || f.RelocatedFrom != relocated {
		t.Errorf("%s: read %q, relocated from %q; want the content of %s, relocated from %q", uri, got, f.RelocatedFrom, content, relocated)
	}
}

func wantError(t *testing.T, a *Artifacts, uri string, sentinel error) error {
	t.Helper()
	f, err := read(t, a, uri)
	if !errors.Is(err, sentinel) {
		t.Errorf("%s: read %q, error %v; want %v", uri, f.Data, err, sentinel)
	}
	return err
}

func TestReadsWhatIsBelowTheStore(t *testing.T) {
	const at = "mlruns/1/" + run + "/artifacts/my model"
	dir := tree(t, at+"/MLmodel")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	encoded := strings.ReplaceAll(at, " ", "%20")
	for _, store := range []Options{{StoreDir: dir}, {StoreDir: link}, {StoreDir: filepath.Join(dir, "mlruns"), FolderStore: true}} {
		a := reader(t, store)
		for _, uri := range []string{
			dir + "/" + at,
			dir + "/" + encoded,
			dir + "/x/../" + at + "/",
			"file://" + dir + "/" + encoded,
			"file:" + dir + "/" + encoded,
			"file://localhost" + dir + "/" + encoded,
			"file://" + dir + "/" + at + "?x#y",
			"./" + at,
			at,
			"file:" + at,
		} {
			wantFile(t, a, uri, at+"/MLmodel", "")
		}
	}
	a := reader(t, Options{StoreDir: link})
	wantFile(t, a, link+"/"+at, at+"/MLmodel", "")
}

func TestFindsFilesOfAStoreThatWasMoved(t *testing.T) {
	for _, c := range []struct{ uri, file string }{
		{"file:///D:/My Work/proj/mlruns/1/" + run + "/artifacts/model", "mlruns/1/" + run + "/artifacts/model"},
		{"file:///D:/My%20Work/proj/mlruns/1/" + run + "/artifacts/my%20model", "mlruns/1/" + run + "/artifacts/my model"},
		{"file:C:/x/mlruns/1/" + run + "/artifacts/model", "mlruns/1/" + run + "/artifacts/model"},
		{`file:C:\x\mlruns\1\` + run + `\artifacts\model`, "mlruns/1/" + run + "/artifacts/model"},
		{`C:\x\mlruns\1\` + run + `\artifacts\model`, "mlruns/1/" + run + "/artifacts/model"},
		{`.\mlruns\1\` + run + `\artifacts\model`, "mlartifacts/1/" + run + "/artifacts/model"},
		{`\\server\share\mlruns\1\` + run + `\artifacts\model`, "mlruns/1/" + run + "/artifacts/model"},
		{"file://server/share/mlruns/1/" + run + "/artifacts/model", "mlruns/1/" + run + "/artifacts/model"},
		{"file://localhost/nowhere/1/" + run + "/artifacts/model", "1/" + run + "/artifacts/model"},
		{"/home/other/mlruns/1/" + run + "/artifacts/model", "mlruns/1/" + run + "/artifacts/model"},
		{"/mlruns/1/" + run + "/artifacts/model", "mlruns/1/" + run + "/artifacts/model"},
		{"/mlruns/1/" + run + "/artifacts/model", "artifacts/1/" + run + "/artifacts/model"},
		{"/data/1/" + run + "/artifacts/model", "data/1/" + run + "/artifacts/model"},
		{"/gone/1/" + run + "/artifacts/model", "mlruns/" + run + "/artifacts/model"},
		{"/gone/1/models/" + model + "/artifacts", "mlruns/1/models/" + model + "/artifacts"},
		{"mlflow-artifacts:/1/" + run + "/artifacts/model", "mlartifacts/1/" + run + "/artifacts/model"},
		{"mlflow-artifacts:/1/" + run + "/artifacts/model", "artifacts/1/" + run + "/artifacts/model"},
		{"mlflow-artifacts:///1/models/" + model + "/artifacts", "artifacts/1/models/" + model + "/artifacts"},
		{"mlflow-artifacts://host:5000/1/models/" + model + "/artifacts", "artifacts/1/models/" + model + "/artifacts"},
		{"mlflow-artifacts:/1/" + run + "/artifacts/a?b#c", "artifacts/1/" + run + "/artifacts/a?b#c"},
		{"mlflow-artifacts:/1/" + run + "/artifacts/a%20b", "artifacts/1/" + run + "/artifacts/a%20b"},
		{"mlflow-artifacts:/1/" + run + "/artifacts/a%20b", "artifacts/1/" + run + "/artifacts/a b"},
	} {
		dir := tree(t, c.file+"/MLmodel", "mlruns/", "mlflow.db")
		wantFile(t, reader(t, Options{StoreDir: dir}), c.uri, c.file+"/MLmodel", c.uri)

		inRuns := strings.HasPrefix(c.file, "mlruns/") || strings.HasPrefix(c.file, "mlartifacts/") || strings.HasPrefix(c.file, "artifacts/")
		if inRuns {
			wantFile(t, reader(t, Options{StoreDir: filepath.Join(dir, "mlruns"), FolderStore: true}), c.uri, c.file+"/MLmodel", c.uri)
		}
	}
}

func TestAMovedFileMustLieBelowAnIdOfItsOwner(t *testing.T) {
	dir := tree(t, "mlruns/1/another/artifacts/model/MLmodel", "artifacts/model/MLmodel", "model/MLmodel")
	a := reader(t, Options{StoreDir: dir})
	wantError(t, a, "/gone/mlruns/1/another/artifacts/model", mlflow.ErrNotFound)
	wantError(t, a, "/gone/1/"+run+"/artifacts/model", mlflow.ErrNotFound)
	wantError(t, a, "mlflow-artifacts:/1/another/artifacts/model", mlflow.ErrNotFound)
}

func TestTheLongestTailOfAMovedLocationWins(t *testing.T) {
	short, long := "mlruns/"+run+"/artifacts/model/MLmodel", "artifacts/exp/1/"+run+"/artifacts/model/MLmodel"
	a := reader(t, Options{StoreDir: tree(t, short, long)})
	uri := "/gone/exp/1/" + run + "/artifacts/model"
	wantFile(t, a, uri, long, uri)
}

func TestAnEmptyFolderWhereFilesOnceWereMeantToBeHidesNothing(t *testing.T) {
	file := "mlartifacts/1/" + run + "/artifacts/model/MLmodel"
	a := reader(t, Options{StoreDir: tree(t, file, "mlruns/1/"+run+"/artifacts/model/")})
	uri := "/gone/1/" + run + "/artifacts/model"
	wantFile(t, a, uri, file, uri)
	if got := list(t, a, uri, "", -1); got != "MLmodel 81" {
		t.Errorf("listed %q", got)
	}
}

func TestAMappingWins(t *testing.T) {
	const tail = "1/" + run + "/artifacts/model"
	dir := tree(t, "mlruns/"+tail+"/MLmodel")
	for _, c := range []struct{ prefix, uri string }{
		{"mlflow-artifacts:/", "mlflow-artifacts:/" + tail},
		{"mlflow-artifacts:/", "mlflow-artifacts:///" + tail},
		{"mlflow-artifacts:", "mlflow-artifacts:/" + tail},
		{"mlflow-artifacts:///", "mlflow-artifacts:/" + tail},
		{"mlflow-artifacts:/deep/er/", "mlflow-artifacts:/deep/er/" + tail},
		{"mlflow-artifacts://host:1/", "mlflow-artifacts://HOST:1/" + tail},
		{"file:///C:/Users/x/mlruns", `c:\Users\x\mlruns/` + tail},
		{`C:\Users\x\mlruns\`, "file:///C:/Users/x/mlruns/" + tail},
		{"file:///C:/My%20Work", "file:C:/My Work/" + tail},
		{"/mlruns", "/mlruns/" + tail},
		{"file:///mlruns", "/mlruns/" + tail},
		{"./mlruns", "mlruns/" + tail},
		{"/", "/" + tail},
		{"s3://bucket/x", "s3://bucket/x/" + tail},
		{"dbfs:/x", "dbfs:/x/" + tail},
		{"https://h/api/2.0/mlflow-artifacts/artifacts", "https://h/api/2.0/mlflow-artifacts/artifacts/" + tail},
	} {
		there, away := tree(t, tail+"/MLmodel"), tree(t)
		root := Root{Prefix: c.prefix, Path: there}
		wantFile(t, reader(t, Options{Roots: []Root{root}}), c.uri, tail+"/MLmodel", "")
		wantFile(t, reader(t, Options{Roots: []Root{root}, StoreDir: dir, Proxy: noProxy{t}}), c.uri, tail+"/MLmodel", "")

		root.Path = away
		wantError(t, reader(t, Options{Roots: []Root{root}, StoreDir: dir, Proxy: noProxy{t}}), c.uri, mlflow.ErrNotFound)
	}
}

func TestAMappingWinsOverFilesThatAreStillWhereTheyWere(t *testing.T) {
	old := tree(t, run+"/MLmodel")
	a := reader(t, Options{StoreDir: t.TempDir(), Roots: []Root{{Prefix: old, Path: t.TempDir()}}})
	err := wantError(t, a, old+"/"+run, mlflow.ErrNotFound)
	if errors.Is(err, mlflow.ErrOutside) || mlflow.Hint(err) != "" {
		t.Errorf("%v, hint %q", err, mlflow.Hint(err))
	}
}

func TestTheLongestPrefixWins(t *testing.T) {
	const tail = "1/" + run + "/artifacts"
	outer, inner := tree(t, "b/c/"+tail+"/MLmodel", "b/c/other/MLmodel"), tree(t, tail+"/MLmodel")
	for _, roots := range [][]Root{{{Prefix: "/a", Path: outer}, {Prefix: "/a/b/c", Path: inner}}, {{Prefix: "/a/b/c", Path: inner}, {Prefix: "/a", Path: outer}}} {
		a := reader(t, Options{Roots: roots})
		wantFile(t, a, "/a/b/c/"+tail, tail+"/MLmodel", "")
		wantError(t, a, "/a/b/c/other", mlflow.ErrNotFound)
	}
}

func TestAPrefixEndsWhereANameEnds(t *testing.T) {
	a := reader(t, Options{Roots: []Root{{Prefix: "/mlruns", Path: tree(t, "2/1/MLmodel", "MLmodel")}, {Prefix: "", Path: t.TempDir()}, {Prefix: "/nothing"}}})
	wantError(t, a, "/mlruns2/1", mlflow.ErrUnsupported)
	wantError(t, a, "/nothing", mlflow.ErrUnsupported)
}

func TestReadsLocationsThatAreAlreadyBelowAnArtifactRoot(t *testing.T) {
	dir := tree(t, "x/MLmodel")
	a := reader(t, Options{Roots: []Root{{Prefix: "mlflow-artifacts:/", Path: dir}}})
	wantFile(t, a, dir+"/x", "x/MLmodel", "")
}

func TestReadsAModelFolderThatTheUserNamed(t *testing.T) {
	dir := tree(t, "my model/MLmodel")
	for _, uri := range []string{dir + "/my model", dir + "/my%20model/", "file://" + dir + "/my%20model", "./my model"} {
		a := reader(t, Options{Given: []Root{{Prefix: uri, Path: dir + "/my model"}}})
		wantFile(t, a, uri, "my model/MLmodel", "")
		wantError(t, a, dir+"/other", mlflow.ErrUnsupported)
	}
	a := reader(t, Options{Given: []Root{{Prefix: dir + "/gone", Path: dir + "/gone"}, {Prefix: dir + "/my model/x", Path: dir + "/my model/x"}}})
	wantError(t, a, dir+"/gone", mlflow.ErrNotFound)
	wantError(t, a, dir+"/my model/x", mlflow.ErrNotFound)
}

func TestAModelFolderThatTheUserNamedAndThatWasMovedIsFound(t *testing.T) {
	tail := "mlruns/1/" + run + "/artifacts/model"
	const moved = "file:///D:/My Work/proj/"
	a := reader(t, Options{StoreDir: tree(t, tail+"/MLmodel"), Given: []Root{{Prefix: moved + tail, Path: "D:/My Work/proj/" + tail}}})
	wantFile(t, a, moved+tail, tail+"/MLmodel", moved+tail)
}

func TestAnArtifactRootThatIsNotThereIsNotEmpty(t *testing.T) {
	dir := t.TempDir()
	a := reader(t, Options{Roots: []Root{{Prefix: "mlflow-artifacts:/", Path: dir + "/not/mounted"}}})
	err := wantError(t, a, "mlflow-artifacts:/1/"+run+"/artifacts/model", mlflow.ErrUnavailable)
	if mlflow.Hint(err) != "mount it, or correct artifact-roots" || !strings.Contains(err.Error(), dir+"/not/mounted, which artifact-roots names, is not there") {
		t.Errorf("%v, hint %q", err, mlflow.Hint(err))
	}
	for _, err := range a.List(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/x"}, "", -1) {
		if !errors.Is(err, mlflow.ErrUnavailable) {
			t.Error(err)
		}
	}
	if err := os.MkdirAll(dir+"/not/mounted", 0o700); err != nil {
		t.Fatal(err)
	}
	wantError(t, a, "mlflow-artifacts:/1/"+run+"/artifacts/model", mlflow.ErrNotFound)
}

func TestNothingIsReadOutsideOfTheStore(t *testing.T) {
	outside := tree(t, "mlruns/1/"+run+"/artifacts/model/MLmodel", "mlruns/1/models/"+model+"/artifacts/MLmodel")
	a := reader(t, Options{StoreDir: tree(t, "mlflow.db")})
	for _, tail := range []string{"/mlruns/1/" + run + "/artifacts/model", "/mlruns/1/models/" + model + "/artifacts"} {
		for _, uri := range []string{outside + tail, "file://" + outside + tail, outside + "/x/.." + tail} {
			err := wantError(t, a, uri, mlflow.ErrOutside)
			want := `to let it be read, add to the host: artifact-roots: {"` + outside + `/mlruns": "` + outside + `/mlruns"}`
			if got := mlflow.Hint(err); got != want {
				t.Errorf("hint %q, want %q", got, want)
			}
		}
	}
	wantError(t, reader(t, Options{}), outside+"/mlruns/1/"+run+"/artifacts/model", mlflow.ErrOutside)
}

func TestNoDotsLeadOutOfAFolder(t *testing.T) {
	dir := tree(t, "store/mlflow.db", "secret/MLmodel", "store/"+run+"/MLmodel")
	a := reader(t, Options{StoreDir: dir + "/store", Roots: []Root{{Prefix: "mlflow-artifacts:/", Path: dir + "/store"}}})
	for _, uri := range []string{"mlflow-artifacts:/../secret", "mlflow-artifacts:/%2e%2e/secret", "mlflow-artifacts:/a/..%2f../secret", "../secret", "%2e%2e/secret", `..\secret`} {
		wantError(t, a, uri, mlflow.ErrNotFound)
	}
	wantError(t, a, dir+"/store/../secret", mlflow.ErrOutside)
	for _, path := range []string{"../MLmodel", "/MLmodel", "x/../../MLmodel"} {
		if _, err := a.ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/" + run}, path, 100, fetch.Stamp{}); !errors.Is(err, mlflow.ErrOutside) {
			t.Errorf("%s: %v", path, err)
		}
		for _, err := range a.List(t.Context(), fetch.Location{URI: "mlflow-artifacts:/" + run}, path, 1) {
			if !errors.Is(err, mlflow.ErrOutside) {
				t.Errorf("listing %s: %v", path, err)
			}
		}
	}
}

func TestNoLinkLeadsOutOfAFolder(t *testing.T) {
	secret := tree(t, "MLmodel", "1/"+run+"/MLmodel")
	dir := tree(t, "mlruns/1/file/", "mlruns/1/inside/MLmodel")
	for link, target := range map[string]string{
		"mlruns/1/file/MLmodel": secret + "/MLmodel",
		"mlruns/1/folder":       secret,
		"mlruns/1/dots":         "../../.." + secret,
		"mlruns/1/good":         "inside",
		"artifacts":             secret,
	} {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	a := reader(t, Options{StoreDir: dir})
	for _, name := range []string{"file", "folder", "dots"} {
		err := wantError(t, a, dir+"/mlruns/1/"+name, mlflow.ErrOutside)
		if mlflow.Hint(err) != "name the folder that the link leads to in artifact-roots" {
			t.Errorf("hint %q", mlflow.Hint(err))
		}
	}
	wantError(t, a, "/gone/1/"+run, mlflow.ErrOutside) // artifacts beside the store leads away
	wantFile(t, a, dir+"/mlruns/1/good", "mlruns/1/inside/MLmodel", "")

	a = reader(t, Options{StoreDir: dir, Roots: []Root{{Prefix: dir + "/mlruns/1/folder", Path: secret}}})
	wantFile(t, a, dir+"/mlruns/1/folder", "MLmodel", "")
}

func TestKindsOfStoresThatAreNotServed(t *testing.T) {
	dir := tree(t, "artifacts/1/"+run+"/artifacts/MLmodel")
	a := reader(t, Options{StoreDir: dir, Proxy: noProxy{t}})
	for _, uri := range []string{
		"s3://bucket/1/" + run + "/artifacts", "gs://b/" + run, "wasbs://c@acct.blob.core.windows.net/" + run, "abfss://c@acct/" + run,
		"dbfs:/databricks/" + run, "hdfs://h/" + run, "ftp://h/" + run, "runs:/" + run + "/model", "models:/a/1", "nonsense:" + run,
	} {
		wantError(t, a, uri, mlflow.ErrUnsupported)
	}
	err := wantError(t, reader(t, Options{}), "s3://key:secret@bucket/1/"+run+"/artifacts?sig=secret", mlflow.ErrUnsupported)
	if want := `reading s3://bucket/1/` + run + `/artifacts/MLmodel: nobody is logged in to its store`; err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
	if want := `to let it be read, log in as its vendor's tools do, or add to the host: artifact-roots: {"s3://bucket": "s3://bucket"}; a folder may stand there, too`; mlflow.Hint(err) != want {
		t.Errorf("hint %q, want %q", mlflow.Hint(err), want)
	}
	for _, uri := range []string{"mlflow-artifacts:/1/" + run, "http://127.0.0.1:1/" + run, "https://h/api/2.0/mlflow-artifacts/artifacts/" + run} {
		wantError(t, reader(t, Options{}), uri, mlflow.ErrUnsupported)
	}
	wantError(t, reader(t, Options{StoreDir: dir}), "http://127.0.0.1:1/"+run, mlflow.ErrUnsupported)
	wantError(t, reader(t, Options{}), "/no/such/folder/"+run, mlflow.ErrUnsupported)
	wantError(t, reader(t, Options{}), "relative/"+run, mlflow.ErrUnsupported)
}

func TestSaysWhatToDoAboutFilesThatAreGone(t *testing.T) {
	a := reader(t, Options{StoreDir: t.TempDir()})
	for uri, prefix := range map[string]string{
		"mlflow-artifacts:/1/" + run + "/artifacts/model":            "mlflow-artifacts:/",
		"file:///D:/My Work/mlruns/1/" + run + "/artifacts/model":    "D:/My Work/mlruns",
		"/home/other/mlruns/1/models/" + model + "/artifacts":        "/home/other/mlruns",
		"mlflow-artifacts:/workspaces/a/1/models/" + model + "/arti": "mlflow-artifacts:/workspaces/a",
	} {
		err := wantError(t, a, uri, mlflow.ErrNotFound)
		want := `if its files are on this machine, tell the host where: artifact-roots: {"` + prefix + `": FOLDER}`
		if mlflow.Hint(err) != want {
			t.Errorf("hint %q, want %q", mlflow.Hint(err), want)
		}
	}
}

func TestLocationsThatAreNone(t *testing.T) {
	a := reader(t, Options{StoreDir: tree(t, "MLmodel")})
	for _, uri := range []string{"", "file:", "/x\x00y", "/x%00y/" + run, "mlflow-artifacts:/%00/" + run, "/" + strings.Repeat("x/", 5000) + run, "/" + strings.Repeat("x", 4000) + "/" + run} {
		wantError(t, a, uri, mlflow.ErrNotFound)
	}
}

// noProxy must not be asked.
type noProxy struct{ t *testing.T }

func (p noProxy) ReadFile(context.Context, fetch.Location, string, int64, fetch.Stamp) (fetch.File, error) {
	p.t.Error("the server was asked")
	return fetch.File{}, mlflow.ErrUnavailable
}

func (p noProxy) List(context.Context, fetch.Location, string, int) iter.Seq2[mlflow.FileInfo, error] {
	p.t.Error("the server was asked")
	return func(func(mlflow.FileInfo, error) bool) {}
}

func TestManyReadersAtOnce(t *testing.T) {
	file := "artifacts/1/" + run + "/artifacts/MLmodel"
	a := reader(t, Options{StoreDir: tree(t, file)})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			uri := "mlflow-artifacts:/1/" + run + "/artifacts"
			wantFile(t, a, uri, file, uri)
		})
	}
	wg.Wait()
}
