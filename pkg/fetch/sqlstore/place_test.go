package sqlstore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// files are the names in a folder with what is in them. The -shm, SQLite's
// table of locks, may change.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		found[e.Name()] = "locks"
		if !strings.HasSuffix(e.Name(), "-shm") {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found[e.Name()] = fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data))
		}
	}
	return found
}

// copyTo copies a database and side files of it as a crash, or a copy of the
// folder, would leave them.
func copyTo(t testing.TB, dir, path string, suffixes ...string) string {
	t.Helper()
	to := filepath.Join(dir, "mlflow.db")
	for _, s := range append(suffixes, "") {
		data, err := os.ReadFile(path + s)
		if err == nil {
			err = os.WriteFile(to+s, data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// modelsOf are the names of all models that a listing shows.
func modelsOf(t testing.TB, s *Store) string {
	t.Helper()
	names, err := modelNames(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func modelNames(ctx context.Context, s *Store) (string, error) {
	var names []string
	for m, err := range s.ListModels(ctx, fetch.Query{}) {
		if err != nil {
			return "", err
		}
		names = append(names, m.Name())
	}
	return strings.Join(names, " "), nil
}

// readsWithoutTrace opens a database, wants its models, and that afterwards
// its folder is as it was and the temporary one empty. inPlace tells whether a
// copy may be made meanwhile.
func readsWithoutTrace(t *testing.T, path, models string, inPlace bool) {
	t.Helper()
	dir, temp := filepath.Dir(path), t.TempDir()
	before := files(t, dir)
	s, err := Open(t.Context(), Options{URI: "sqlite:///" + path, TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	if got := modelsOf(t, s); got != models {
		t.Errorf("models %q, want %q", got, models)
	}
	if copies := len(entries(t, temp)); (copies == 0) != inPlace {
		t.Errorf("%d copies were made", copies)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := gocmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("the database's folder (-before +after):\n%s", diff)
	}
	if left := entries(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// withLog makes a database with a write-ahead log that holds model `logged`
// and is still open; its file alone holds model `stored`, not yet committed
// is model `open`.
func withLog(t *testing.T) *testDB {
	d := newDB(t, mlflow317, "journal_mode(wal)", "wal_autocheckpoint(0)")
	d.add("registered_models", "name", "stored")
	d.exec("PRAGMA wal_checkpoint(truncate)")
	d.add("registered_models", "name", "logged")
	return d
}

// withJournal makes a database whose writer has written model `open` into it
// without committing, so that the journal holds what was there before.
func withJournal(t *testing.T) *testDB {
	d := newDB(t, mlflow317, "cache_size(2)")
	d.add("registered_models", "name", "committed")
	d.exec("BEGIN")
	d.exec("UPDATE registered_models SET name = 'open'")
	d.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO params (run_uuid, key, value) SELECT 'r', i, hex(randomblob(200)) FROM n")
	return d
}

func TestReadsADatabaseInPlace(t *testing.T) {
	d := newDB(t, mlflow317)
	d.add("registered_models", "name", "m")
	readsWithoutTrace(t, d.done().path, "m", true)
}

func TestReadsWhatALiveWriterHasInItsLog(t *testing.T) {
	d := withLog(t)
	d.exec("BEGIN")
	d.add("registered_models", "name", "open")
	readsWithoutTrace(t, d.path, "logged stored", true)
	d.exec("COMMIT")
	readsWithoutTrace(t, d.path, "logged open stored", true)
	d.done()
	if left := slices.Collect(maps.Keys(files(t, filepath.Dir(d.path)))); len(left) != 1 {
		t.Errorf("after the writer ended: %v", left)
	}
}

func TestReadsALeftOverLogWithItsIndex(t *testing.T) {
	d := withLog(t)
	readsWithoutTrace(t, copyTo(t, t.TempDir(), d.path, "-wal", "-shm"), "logged stored", true)
}

func TestReadsALeftOverLogWithoutItsIndex(t *testing.T) {
	d := withLog(t)
	readsWithoutTrace(t, copyTo(t, t.TempDir(), d.path, "-wal"), "logged stored", false)
}

func TestLeavesNoLogBesideADatabaseThatHadOne(t *testing.T) {
	d := withLog(t)
	readsWithoutTrace(t, d.done().path, "logged stored", false)
	alone := withLog(t)
	readsWithoutTrace(t, copyTo(t, t.TempDir(), alone.path), "stored", false)
	readsWithoutTrace(t, copyTo(t, t.TempDir(), alone.path, "-shm"), "stored", false)
}

func TestReadsBesideAnEmptyLog(t *testing.T) {
	d := newDB(t, mlflow222)
	d.add("registered_models", "name", "m")
	if err := os.WriteFile(d.done().path+"-wal", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	readsWithoutTrace(t, d.path, "m", false)
}

func TestRollsAHotJournalBackInACopyOnly(t *testing.T) {
	d := withJournal(t)
	readsWithoutTrace(t, copyTo(t, t.TempDir(), d.path, "-journal"), "committed", false)
	torn := copyTo(t, t.TempDir(), d.path)
	s, err := Open(t.Context(), Options{URI: "sqlite:///" + torn})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := modelsOf(t, s); got == "committed" {
		t.Error("the test proves nothing: the database holds no uncommitted rows")
	}
}

func TestReadsBesideAJournalThatIsNotHot(t *testing.T) {
	for _, mode := range []string{"persist", "truncate"} {
		d := newDB(t, mlflow222, "journal_mode("+mode+")")
		d.add("registered_models", "name", "m")
		if d.done(); !exists(d.path + "-journal") {
			t.Fatal("no journal was left")
		}
		readsWithoutTrace(t, d.path, "m", true)
	}
}

func TestReadsWhatWasCommittedWhileAWriterIsAtWork(t *testing.T) {
	d := newDB(t, mlflow222)
	d.add("registered_models", "name", "committed")
	d.exec("BEGIN IMMEDIATE")
	d.add("registered_models", "name", "open")
	if !exists(d.path + "-journal") {
		t.Fatal("the writer has no journal")
	}
	readsWithoutTrace(t, d.path, "committed", true)
	d.exec("COMMIT")
	readsWithoutTrace(t, d.path, "committed open", true)
}

func TestReadsADatabaseBehindALink(t *testing.T) {
	d := withLog(t)
	real := copyTo(t, t.TempDir(), d.path, "-wal")
	link := filepath.Join(t.TempDir(), "linked.db")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	readsWithoutTrace(t, link, "logged stored", false)
	s, err := Open(t.Context(), Options{URI: "sqlite:///" + link, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Dir() != filepath.Dir(link) {
		t.Errorf("artifacts are looked for in %s, not beside the link", s.Dir())
	}
}

func TestReadsADatabaseInAFolderOfAnyName(t *testing.T) {
	for _, name := range []string{"My Work 100%", "a%20b", "what?", "hash#tag", "é 😀", "a&mode=rwc", "it's \"x\";"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		d := newDB(t, mlflow222)
		d.add("registered_models", "name", "m")
		readsWithoutTrace(t, copyTo(t, dir, d.done().path), "m", true)
	}
}

func TestNoCopyIsLeftWhenReadingIsCancelled(t *testing.T) {
	d := withLog(t)
	path, temp := copyTo(t, t.TempDir(), d.path, "-wal"), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Options{URI: "sqlite:///" + path, TempDir: temp}); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if left := entries(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
