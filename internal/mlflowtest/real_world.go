//go:build unix

package mlflowtest

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// worldMaker is the program that fills a store with the test world.
//
//go:embed world.py
var worldMaker []byte

// WorldIDs names what is in a store that World made, as world.py printed it.
// The keys of the maps are the names that world.py gives the objects; they are
// the same at every door and in every version of MLflow.
type WorldIDs struct {
	MLflow       string            `json:"mlflow"`
	Experiments  map[string]string `json:"experiments"`
	Runs         map[string]string `json:"runs"`
	LoggedModels map[string]string `json:"logged_models"` // empty before MLflow 3
	Versions     []string          `json:"versions"`      // models:/name/version, those without an artifact too
	Skipped      []string          `json:"skipped"`       // what this version of MLflow cannot do
}

// World starts a server (as StartServer) on a copy of the project's test
// world, which may be changed at will. The world of a version and backend is
// made once and kept in .cache/worlds; making it takes up to a minute. MLflow 1
// has no registry in a folder.
func World(t testing.TB, version, backend string) *Server {
	t.Helper()
	dir, ids := WorldStore(t, version, backend)
	s := StartServer(t, ServerOptions{Version: version, Backend: backend, Dir: dir})
	s.IDs = ids
	return s
}

// WorldStore copies the test world's store (mlflow.db or mlruns, and
// artifacts) to a temporary folder and returns that, and what is in it: for
// tests that need the store, but no server.
func WorldStore(t testing.TB, version, backend string) (dir string, ids WorldIDs) {
	t.Helper()
	kept := keptWorld(t, version, backend)
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(kept)); err != nil {
		t.Fatalf("copying the test world: %v", err)
	}
	return dir, readIDs(t, dir)
}

const idsFile = "ids.json"

func readIDs(t testing.TB, dir string) WorldIDs {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, idsFile))
	if err != nil {
		t.Fatal(err)
	}
	var ids WorldIDs
	if err := json.Unmarshal(data, &ids); err != nil {
		t.Fatalf("what world.py printed: %v", err)
	}
	return ids
}

// keptWorld returns the folder of a finished world, and makes it when it is
// not there. Test binaries run side by side: one makes it, the others wait.
func keptWorld(t testing.TB, version, backend string) string {
	t.Helper()
	Python(t, version) // before anything is made
	worlds := filepath.Join(Root(t), ".cache", "worlds")
	sum := sha256.Sum256(fmt.Appendf(bytes.Clone(worldMaker), "%s %s", version, backend))
	kept := filepath.Join(worlds, fmt.Sprintf("%s-%s-%x", version, backend, sum[:6]))
	if err := os.MkdirAll(worlds, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock := lockFile(t, kept+".lock")
	defer unlock()
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	making, err := os.MkdirTemp(worlds, "making-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(making)
	makeWorld(t, version, backend, making)
	if err := os.Rename(making, kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

func makeWorld(t testing.TB, version, backend, dir string) {
	t.Helper()
	var d *DatabaseServer
	if backend == "postgresql" || backend == "mysql" {
		d = StartDatabase(t, backend)
		backend = d.URI("")
	}
	s := StartServer(t, ServerOptions{Version: version, Backend: backend, Dir: dir}) // one worker: MLflow 3 stalls less
	defer s.Stop()
	s.makeWorld(t)
	readIDs(t, dir)
	s.Stop()
	if d != nil {
		d.dump(t, filepath.Join(dir, dumpFile))
	}
	if unfinished, _ := filepath.Glob(filepath.Join(dir, "mlflow.db-*")); len(unfinished) > 0 {
		t.Fatalf("the server left %v", unfinished)
	}
}

// makeWorld makes the test world on the server, and writes down what is in it.
func (s *Server) makeWorld(t testing.TB) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "world.py")
	if err := os.WriteFile(program, worldMaker, 0o600); err != nil {
		t.Fatal(err)
	}
	ids := s.RunPython(t, program, s.URL)
	if err := os.WriteFile(filepath.Join(s.Dir, idsFile), ids, 0o644); err != nil {
		t.Fatal(err)
	}
}

func lockFile(t testing.TB, path string) (unlock func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("locking %s: %v", path, err)
	}
	return func() { _ = f.Close() }
}
