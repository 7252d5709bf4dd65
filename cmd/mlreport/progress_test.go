package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A screen is a terminal that says when something is on it.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	see  func(text string)
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.text.Write(b)
	s.see(s.text.String())
	return n, err
}

// Somebody at a terminal sees that the batch is alive while it waits for a
// server, and nothing of that when it is done.
func TestATerminalShowsThatTheBatchWaits(t *testing.T) {
	fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	u := newUser(t)
	u.env["MLFLOW_TRACKING_URI"] = fake.URL
	seen := make(chan struct{})
	fake.Fail(mlflowtest.Fault{Endpoint: "mlflow-artifacts/artifacts", Times: 1, Until: seen})
	var once sync.Once
	s := &screen{see: func(text string) {
		if strings.Contains(text, "0 reports after ") {
			once.Do(func() { close(seen) })
		}
	}}
	e := &env{
		Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: s, Terminal: true, Dir: u.dir, Home: u.dir, Now: time.Now,
		Lookup: func(name string) (string, bool) { v, ok := u.env[name]; return v, ok },
	}
	manifest := u.writes("m.yaml", "version: 1\nmodels: [models:/wine/2]\n")
	if code := execute(t.Context(), []string{"run", manifest, "--out", u.path("out")}, e); code != exitOK {
		t.Errorf("exit code %d: %s", code, s.text.String())
	}
	_, after, _ := strings.Cut(s.text.String(), "1 report in ")
	before := strings.TrimSuffix(s.text.String(), "1 report in "+after)
	if !strings.HasSuffix(before, "\r\033[K") {
		t.Errorf("the line was not taken away: %q", before)
	}
}
