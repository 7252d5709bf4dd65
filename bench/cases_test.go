//go:build unix

package bench

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	_ "modernc.org/sqlite" // registers sqlite
)

// A size is one store with its cases.
type size struct {
	versions int
	dir      string // of the store
	out      string // where the next case writes
	server   *mlflowtest.Server
	record   string   // requests of a batch over REST
	index    string   // index.json of a batch on the database
	beside   []string // NAME=BYTES of what it left at the top of its tree
	cases    []*measured
}

// A measured is one line of the table.
type measured struct {
	number string
	name   string
	run    func() figures
	once   bool // too slow for rounds
	took   []figures
}

const (
	hourLimit     = 10_000 // versions: beyond, what takes hours in all is left out, and what takes minutes is measured once
	clientSample  = 200    // versions
	exportModels  = 10
	clientThreads = "8"
)

// prepare makes a store, its servers and its cases; what others need, hours
// for large stores, is measured with the first size only.
func (b *bench) prepare(versions int, withOthers bool) *size {
	s := &size{versions: versions, dir: filepath.Join(b.work, strconv.Itoa(versions))}
	s.out, s.record, s.index = filepath.Join(s.dir, "out"), filepath.Join(s.dir, "requests.jsonl"), filepath.Join(s.dir, "index.json")
	large := versions > hourLimit
	b.store(s, !large)
	database, artifacts := "sqlite:///"+filepath.Join(s.dir, "mlflow.db"), filepath.Join(s.dir, "artifacts")
	s.server = mlflowtest.StartServer(b.t, mlflowtest.ServerOptions{Workers: 2, Dir: s.dir})
	if !large {
		b.recordRequests(s)
	}
	b.keepIndex(s, database, artifacts)
	add := func(number, name string, run func() figures) *measured {
		m := &measured{number: number, name: name, run: run}
		s.cases = append(s.cases, m)
		return m
	}
	batch := func(tracking, artifacts string) func() figures {
		return func() figures { return b.batch(s, tracking, artifacts) }
	}
	add("1", "run over REST, files through the proxy", batch(s.server.URL, "")).once = large
	if !large {
		add("9", "server limit: its requests, bare", func() figures { return b.serverLimit(s, "quick") })
		add("2", "run over REST, files read directly", batch(s.server.URL, artifacts))
	}
	add("3", "run on the SQLite file", batch(database, artifacts))
	add("10", "copy limit: its rows and files, bare", func() figures { return b.copyLimit(s, 1) })
	add("10b", "copy limit, a chunk per core at once", func() figures { return b.copyLimit(s, cores()) })
	add("6", "run on the SQLite file, nothing changed", func() figures {
		b.batch(s, database, artifacts)
		return b.batch(s, database, artifacts)
	})
	if !large {
		add("4", "run on PostgreSQL", batch(b.fillPostgres(s), artifacts))
		folder := filepath.Join(s.dir, "mlruns")
		add("5", "run on an mlruns folder", batch(folder, folder))
	}
	if withOthers {
		add("7", "Python client, 8 threads, a sample", func() figures { return b.pythonClient(s) })
		add("8", "mlflow-export-import, a sample", func() figures { return b.exportImport(s) }).once = true
		add("9a", "server limit, plain keep-alive", func() figures { return b.serverLimit(s, "plain") }).once = true
		add("9b", "server limit, a connection per request", func() figures { return b.serverLimit(s, "new") }).once = true
	}
	return s
}

// batch runs mlreport over a whole store.
func (b *bench) batch(s *size, tracking, artifacts string) figures {
	host := map[string]any{"tracking": "${env:BENCH_STORE}"} // it may hold a password
	if artifacts != "" {
		host["artifact-roots"] = map[string]string{"mlflow-artifacts:/": artifacts}
	}
	manifest, err := json.Marshal(map[string]any{ // JSON is YAML
		"version": 1, "hosts": map[string]any{"default": host},
		"models": []any{map[string]any{"select": map[string]any{"models": "*", "versions": "all"}}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(b.program("mlreport"), "run", "--quiet", "--out", s.out, "-")
	cmd.Stdin = bytes.NewReader(manifest)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "BENCH_STORE="+tracking)
	f := b.run(cmd)
	var file struct {
		Hosts map[string]struct{ Requests float64 }
	}
	b.read(filepath.Join(s.out, "run.json"), &file)
	f.requests = file.Hosts["default"].Requests
	return f
}

func (b *bench) read(file string, into any) {
	b.t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// recordRequests notes what a batch over REST asks.
func (b *bench) recordRequests(s *size) {
	target, err := url.Parse(s.server.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	file, err := os.Create(s.record)
	if err != nil {
		b.t.Fatal(err)
	}
	defer file.Close()
	var mu sync.Mutex
	pass := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		mu.Lock()
		if err == nil {
			err = json.NewEncoder(file).Encode(map[string]any{"Method": r.Method, "Path": r.URL.RequestURI(), "Type": r.Header.Get("Content-Type"), "Body": body})
		}
		mu.Unlock()
		if err != nil {
			b.t.Error(err)
		}
		pass.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	b.batch(s, proxy.URL, "")
	b.remove(s.out)
}

func (b *bench) remove(path string) {
	if err := os.RemoveAll(path); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) keepIndex(s *size, database, artifacts string) {
	b.batch(s, database, artifacts)
	top, err := os.ReadDir(s.out)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range top {
		if info, err := f.Info(); err != nil {
			b.t.Fatal(err)
		} else if info.Mode().IsRegular() {
			s.beside = append(s.beside, fmt.Sprint(f.Name(), "=", info.Size()))
		}
	}
	if err := os.Rename(filepath.Join(s.out, "index.json"), s.index); err != nil {
		b.t.Fatal(err)
	}
	b.remove(s.out)
}

func (b *bench) serverLimit(s *size, connections string) figures {
	f := b.run(exec.Command(b.program("serverlimit"), "-url", s.server.URL, "-connections", connections, s.record))
	data, err := os.ReadFile(s.record)
	if err != nil {
		b.t.Fatal(err)
	}
	f.requests = float64(bytes.Count(data, []byte("\n")))
	return f
}

func (b *bench) copyLimit(s *size, atOnce int) figures {
	args := []string{
		"-db", filepath.Join(s.dir, "mlflow.db"), "-artifacts", filepath.Join(s.dir, "artifacts"),
		"-index", s.index, "-out", s.out, "-at-once", strconv.Itoa(atOnce),
	}
	return b.run(exec.Command(b.program("copylimit"), append(args, s.beside...)...))
}

// sample lists the first versions of the store, as `name version`.
func (b *bench) sample(s *size, n int) []string {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "mlflow.db")+"?mode=ro")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	var list []string
	rows, err := db.QueryContext(b.t.Context(), "SELECT name || ' ' || version FROM model_versions ORDER BY name, version LIMIT ?", n)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			b.t.Fatal(err)
		}
		list = append(list, line)
	}
	return list
}

func (b *bench) pythonClient(s *size) figures {
	lines := b.sample(s, clientSample)
	cmd := b.pythonCommand(s, b.python, filepath.Join(b.root, "bench", "client.py"), clientThreads)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	f := b.run(cmd)
	if _, err := fmt.Sscan(string(f.output), &f.seconds); err != nil {
		b.t.Fatalf("client.py printed %q", f.output)
	}
	f.models = float64(len(lines))
	return f
}

// exportImport exports whole models, for it cannot do with less.
func (b *bench) exportImport(s *size) figures {
	var names []string
	for _, line := range b.sample(s, exportModels*5) {
		if name, number, _ := strings.Cut(line, " "); number == "1" {
			names = append(names, name)
		}
	}
	tool := filepath.Join(b.root, ".cache", "mlflow-export-import", "bin", "export-models")
	f := b.run(b.pythonCommand(s, tool, "--models", strings.Join(names, ","), "--output-dir", s.out, "--use-threads", "true"))
	f.models = float64(len(names) * 5)
	return f
}

func (b *bench) pythonCommand(s *size, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+s.server.URL, "GIT_PYTHON_REFRESH=quiet", "PYTHONWARNINGS=ignore", "MLFLOW_DISABLE_TELEMETRY=true")
	cmd.Dir = s.dir
	return cmd
}
