package sqlstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestOpenSaysWhatIsWrongWithTheFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := writer(t, filepath.Join(dir, "other.db"))
	if _, err := other.Exec("CREATE TABLE users (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
	half := newDB(t, mlflow222)
	half.exec("ALTER TABLE latest_metrics RENAME TO _alembic_tmp_latest_metrics")
	half.done()
	const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8\nsize 528384\n"
	const file = "give the file that the server was started with (--backend-store-uri sqlite:///...), often mlflow.db"
	for _, c := range []struct {
		path, message, hint string
		kind                error
	}{
		{filepath.Join(dir, "nowhere", "mlflow.db"), "there is no database PATH", "check the path; sqlite:/// is followed by a relative path, sqlite://// by an absolute one", mlflow.ErrNotFound},
		{write("file", "x") + "/mlflow.db", "the database PATH cannot be opened: not a directory", "", mlflow.ErrUnavailable},
		{dir, "PATH is a folder, not a SQLite database", "give the database file in it, often mlflow.db; an mlruns folder is given as a path without sqlite:", mlflow.ErrInvalid},
		{write("empty.db", ""), "the database PATH is an empty file", "check the path: SQLite makes such a file when it is given a wrong one", mlflow.ErrInvalid},
		{write("lfs.db", lfs), "PATH is a Git LFS pointer, not the database it stands for", "fetch the file with `git lfs pull` in its repository", mlflow.ErrInvalid},
		{write("text.db", "artifact_location: ./mlruns/0\n"), "PATH is not a SQLite database", file, mlflow.ErrInvalid},
		{write("cut.db", "SQLite format 3\x00"), "PATH is not a SQLite database", file, mlflow.ErrInvalid},
		{filepath.Join(dir, "other.db"), "the SQLite database PATH holds no MLflow tables", file, mlflow.ErrInvalid},
		{half.path, "the database PATH lacks MLflow's tables latest_metrics", "it was left in the middle of an upgrade, or MLflow was older than 1.30: run `mlflow db upgrade` on a copy of it and read that", mlflow.ErrUnsupported},
	} {
		t.Run(c.message, func(t *testing.T) {
			_, err := Open(t.Context(), Options{URI: "sqlite:///" + c.path})
			wantError(t, err, strings.ReplaceAll(c.message, "PATH", c.path), c.hint, c.kind)
		})
	}
}

func TestOpenSaysThatADatabaseIsDamaged(t *testing.T) {
	d := newDB(t, mlflow222).done()
	data, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < 4096; i++ {
		data[i] = 0xee
	}
	if err := os.WriteFile(d.path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{URI: "sqlite:///" + d.path})
	wantError(t, err, "the database "+d.path+" is damaged: database disk image is malformed (11)",
		"restore it from a backup, or save what can be read with `sqlite3 "+d.path+" .recover`", mlflow.ErrUnavailable)
}

func TestSaysThatADatabaseIsLocked(t *testing.T) {
	d := newDB(t, mlflow222)
	d.exec("BEGIN EXCLUSIVE")
	_, busy := writer(t, d.path).Exec("DELETE FROM runs")
	if busy == nil {
		t.Fatal("the database is not locked")
	}
	wantError(t, fault(d.path, busy), "the database "+d.path+" was locked by a program that writes to it",
		"run it again when that program has finished, or read a copy of the database", mlflow.ErrUnavailable)
}

func TestPathOfReadsSQLiteURIsAsSQLAlchemyDoes(t *testing.T) {
	for uri, want := range map[string]string{
		"sqlite:///mlflow.db":            "mlflow.db",
		"sqlite:///../a b/mlflow.db":     "../a b/mlflow.db",
		"sqlite:////data/mlflow.db":      "/data/mlflow.db",
		"sqlite:///C:/x/mlflow.db":       "C:/x/mlflow.db",
		"SQLite+pysqlite:////x.db":       "/x.db",
		"sqlite:////x.db?timeout=20":     "/x.db",
		"sqlite:////my%20work/mlflow.db": "/my%20work/mlflow.db",
		"sqlite:////#1/é 😀.db":           "/#1/é 😀.db",
		"sqlite:////x?y/z.db?timeout=20": "/x",
		"sqlite:///sub/dir/../x.db":      "sub/dir/../x.db",
	} {
		if got, err := pathOf(uri); err != nil || got != filepath.FromSlash(want) {
			t.Errorf("%s: got %q, %v; want %q", uri, got, err, want)
		}
	}
}

func TestPathOfRefusesWhatNamesNoFile(t *testing.T) {
	const slash = "write sqlite:///path/to/mlflow.db, with a fourth slash for an absolute path"
	for uri, want := range map[string][2]string{
		"sqlite://":                      {"the URI sqlite:// names no file", slash},
		"sqlite:///":                     {"the URI sqlite:/// names no file", slash},
		"sqlite:///:memory:":             {"the URI sqlite:///:memory: names no file", slash},
		"sqlite:mlflow.db":               {"the URI sqlite:mlflow.db names no file", slash},
		"postgresql://u:secret@h/mlflow": {"not the URI of a SQLite database: postgresql://h/mlflow", "write sqlite:///path/to/mlflow.db"},
		"mlflow.db":                      {"not the URI of a SQLite database: mlflow.db", "write sqlite:///path/to/mlflow.db"},
	} {
		_, err := pathOf(uri)
		wantError(t, err, want[0], want[1], mlflow.ErrInvalid)
	}
}

func wantError(t *testing.T, err error, message, hint string, kind error) {
	t.Helper()
	if err == nil || err.Error() != message {
		t.Errorf("got  %v\nwant %s", err, message)
	}
	if got := mlflow.Hint(err); got != hint {
		t.Errorf("hint %q\nwant %q", got, hint)
	}
	if !errors.Is(err, kind) {
		t.Errorf("%v is not %v", err, kind)
	}
}

// MLflow 2 knows no workspaces: all that its database holds would be shown as
// the one that was asked for.
func TestADatabaseWithoutWorkspacesIsNotReadAsOne(t *testing.T) {
	d := newDB(t, mlflow222)
	d.done()
	_, err := Open(t.Context(), Options{URI: "sqlite:///" + d.path, Workspace: "team-a"})
	wantError(t, err, "the database "+d.path+" has no workspaces, and workspace \"team-a\" was asked for", "leave out `workspace:` of the host in the manifest", mlflow.ErrUnsupported)
	s, err := Open(t.Context(), Options{URI: "sqlite:///" + d.path, Workspace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
