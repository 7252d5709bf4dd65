//go:build unix

package mlflowtest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ServerOptions say what server to start; the zero value is MLflow3 on an
// empty SQLite database with one worker.
type ServerOptions struct {
	Version   string   // of MLflow; "": MLflow3
	Backend   string   // "sqlite" (or ""), "folder", or the URI of a database server
	Workers   int      // 0: one
	ExtraArgs []string // of `mlflow server`
	Env       []string // more settings, NAME=value
	Dir       string   // where the store is or will be; "": a temporary folder
	Python    string   // an interpreter with this version; "": the one of Python
}

// A Server is a real MLflow server that runs until the test ends. Artifacts
// go through it: their locations are `mlflow-artifacts:/...`, so that a store
// can be copied elsewhere.
type Server struct {
	URL       string   // such as http://127.0.0.1:40123
	Version   string   // of MLflow
	Backend   string   // "sqlite", "folder", or the URI of a database server
	Dir       string   // holds all of the store
	Database  string   // path of mlflow.db; "" with a folder behind it
	Folder    string   // path of mlruns; "" with a database behind it
	Artifacts string   // path of the folder that `mlflow-artifacts:/` stands for
	IDs       WorldIDs // of World: what is in the store

	python  string
	env     []string // more settings, of the server and of RunPython
	command *exec.Cmd
	alive   io.Closer // the server's whole process group ends when this is closed
	gone    chan struct{}
	output  lockedBuffer
	stop    func()
}

// keeper is the program that a server runs in: it kills its process group when
// its input ends, so that no server outlives a test binary that was killed.
const keeper = `
import os, signal, sys, threading
lifeline = os.dup(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
def watch():
    while os.read(lifeline, 1): pass
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
sys.argv[0] = "mlflow"
from mlflow.cli import cli
cli()
`

// startPatience is how long a server may take to answer; it is long because
// tests of several packages start servers at once on few cores.
const startPatience = 3 * time.Minute

// StartServer starts a real MLflow server on a free port of 127.0.0.1 and
// waits until it answers. It ends with the test; when the test failed, what
// the server printed is logged.
func StartServer(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	s := layout(t, o)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("output of MLflow %s at %s:\n%s", s.Version, s.URL, s.output.tail(3000))
		}
	})
	for try := 1; ; try++ {
		port, err := freePort()
		if err == nil {
			err = s.start(o, port)
		}
		if err == nil {
			return s
		}
		s.Stop()
		says := strings.ToLower(s.output.tail(8000))
		taken := strings.Contains(says, "address already in use") || strings.Contains(says, "connection in use")
		if !taken || try == 3 { // somebody may take the free port first
			t.Fatalf("MLflow %s did not start: %v", s.Version, err)
		}
	}
}

func layout(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	s := &Server{Version: o.Version, Backend: o.Backend, Dir: o.Dir, env: o.Env}
	if s.Version == "" {
		s.Version = MLflow3
	}
	if s.python = o.Python; s.python == "" {
		s.python = Python(t, s.Version)
	}
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	s.Artifacts = filepath.Join(s.Dir, "artifacts")
	switch s.Backend {
	case "", "sqlite":
		s.Backend, s.Database = "sqlite", filepath.Join(s.Dir, "mlflow.db")
	case "folder":
		s.Folder = filepath.Join(s.Dir, "mlruns")
	default:
		if !strings.Contains(s.Backend, "://") {
			t.Fatalf("no such backend: %q", s.Backend)
		}
	}
	return s
}

func (s *Server) start(o ServerOptions, port int) (err error) {
	store := s.Folder
	switch {
	case s.Database != "":
		store = "sqlite:///" + s.Database
	case store == "":
		store = s.Backend
	}
	args := []string{"-c", keeper, "server", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--workers", strconv.Itoa(max(1, o.Workers)),
		"--backend-store-uri", store, "--serve-artifacts", "--artifacts-destination", s.Artifacts}
	cmd := exec.Command(s.python, append(args, o.ExtraArgs...)...)
	path := "PATH=" + filepath.Dir(s.python) + ":" + os.Getenv("PATH") // MLflow 1 looks there for gunicorn
	cmd.Dir, cmd.Env = s.Dir, realEnv(append([]string{path}, o.Env...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.output.reset()
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	cmd.WaitDelay = 5 * time.Second // a worker may hold the output open for a moment
	if s.alive, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	s.URL, s.command, s.gone = fmt.Sprintf("http://127.0.0.1:%d", port), cmd, gone
	s.stop = sync.OnceFunc(s.end)
	return s.waitHealthy()
}

// Stop ends the server at once, and all its processes with it; the store stays.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
	}
}

// end does not ask: what a client was answered is in the store already.
func (s *Server) end() {
	_ = syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL)
	_ = s.alive.Close()
	<-s.gone
}

func (s *Server) waitHealthy() error {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startPatience)
	for {
		select {
		case <-s.gone:
			return fmt.Errorf("it ended:\n%s", s.output.tail(4000))
		case <-deadline:
			return fmt.Errorf("no answer within %v:\n%s", startPatience, s.output.tail(4000))
		case <-tick.C:
		}
		if !s.listens() {
			continue
		}
		answer, err := client.Get(s.URL + "/health")
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// listens tells whether the server itself has taken its port, as uvicorn and
// gunicorn both say with its address: another program that took the port first
// may answer there, too.
func (s *Server) listens() bool {
	says := s.output.tail(1 << 20)
	return strings.Contains(says, "Uvicorn running on "+s.URL) || strings.Contains(says, "Listening at: "+s.URL)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// RunPython runs a Python program in the server's environment, and with its
// settings, with the server's address as MLFLOW_TRACKING_URI, and returns what
// it printed.
func (s *Server) RunPython(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.python, args...)
	cmd.Dir = s.Dir
	cmd.Env = realEnv(append([]string{"MLFLOW_TRACKING_URI=" + s.URL, "MLFLOW_HTTP_REQUEST_MAX_RETRIES=2"}, s.env...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s\n%s", s.python, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return out
}

// lockedBuffer keeps what a server printed.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Reset()
}

func (b *lockedBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.buf.Bytes()
	return string(all[max(0, len(all)-n):])
}
