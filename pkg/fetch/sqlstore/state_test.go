package sqlstore

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// age makes a database look as if it had been left alone for an hour, and says
// its size and the time it then has.
func age(t *testing.T, path string) time.Time {
	t.Helper()
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheStateOfADatabaseChangesWithEachTransaction(t *testing.T) {
	d := newDB(t, mlflow317)
	d.add("registered_models", "name", "A")
	age(t, d.path)
	s := d.open()
	first := s.State()
	if first == "" || s.State() != first || modelsOf(t, s) != "A" || s.State() != first {
		t.Fatalf("the state is %q, then %q, and nobody wrote", first, s.State())
	}
	if again := d.open().State(); again != first {
		t.Errorf("opened again, the state is %q, was %q", again, first)
	}

	d.exec("UPDATE registered_models SET description = 'x'")
	if now := s.State(); now != "" {
		t.Errorf("the state is %q just after somebody wrote: others may do so within the same tick", now)
	}
	at := age(t, d.path) // same size, and with the time set back, too
	second := s.State()
	if second == "" || second == first {
		t.Errorf("the state is %q, was %q, though a description changed", second, first)
	}
	at = at.Add(time.Nanosecond)
	if err := os.Chtimes(d.path, at, at); err != nil {
		t.Fatal(err)
	}
	if third := s.State(); third == second {
		t.Errorf("the state is %q still, though the file has another time", third)
	}
}

func TestADatabaseHasNoStateWhereChangesAreNotCounted(t *testing.T) {
	log := newDB(t, mlflow317, "journal_mode(wal)")
	log.add("registered_models", "name", "A")
	age(t, log.path)
	if s := log.open().State(); s != "" {
		t.Errorf("with a write-ahead log: %q", s)
	}

	for name, change := range map[string]func(path string) error{
		"a journal is there": func(path string) error { return os.WriteFile(path+"-journal", nil, 0o600) },
		"a log is there":     func(path string) error { return os.WriteFile(path+"-wal", nil, 0o600) },
		"the file is gone":   os.Remove,
		"another file is it": func(path string) error {
			return os.Rename(newDBAt(t, filepath.Join(t.TempDir(), "x.db"), mlflow317).done().path, path)
		},
	} {
		d := newDB(t, mlflow317).done()
		age(t, d.path)
		s := d.open()
		if s.State() == "" {
			t.Fatalf("%s: no state before", name)
		}
		if err := change(d.path); err != nil {
			t.Fatal(err)
		}
		if exists(d.path) {
			age(t, d.path)
		}
		if now := s.State(); now != "" {
			t.Errorf("%s: the state is %q", name, now)
		}
	}
}
