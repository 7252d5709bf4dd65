//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A proxiedServer is a real server with many models behind a proxy that makes
// it worse, and the sample store, which is well.
type proxiedServer struct {
	*sampleStore
	proxy *mlflowtest.FaultProxy
	file  string            // the manifest
	calm  map[string]string // the tree of an undisturbed run
	asks  int               // the requests of it
}

func newProxiedServer(t *testing.T) *proxiedServer {
	t.Helper()
	d := &doors{Server: mlflowtest.World(t, mlflowtest.MLflow3, "sqlite")}
	d.addBulk(t)
	s := &proxiedServer{sampleStore: newSampleStore(t), proxy: mlflowtest.StartFaultProxy(t, d.URL)}
	s.file = s.writes("m.yaml", fmt.Sprintf("version: 1\nhosts:\n  prod: {tracking: %q}\n", s.proxy.URL)+
		"  samples: {tracking: sqlite:///store/mlflow.db, artifact-roots: {\"mlflow-artifacts:/\": store/artifacts}}\n"+
		"defaults: {host: prod}\nmodels:\n  - select: {models: \"bulk_*\", versions: all}\n  - {uri: models:/Sklearn_Wine/2, host: samples}\n")
	if got := s.types("run", s.file, "--out", s.path("calm")); got.code != exitOK {
		t.Fatal(got)
	}
	s.calm, s.asks = readTree(t, s.path("calm")), s.proxy.Asked()
	return s
}

// isCalm compares a tree with that of an undisturbed run.
func (s *proxiedServer) isCalm(dir string) {
	s.Helper()
	tree := readTree(s.TB.(*testing.T), s.path(dir))
	for name, text := range s.calm {
		if tree[name] != text {
			s.Errorf("%s is not what an undisturbed run makes of it: %s", name, cmp.Diff(text, tree[name]))
			return // one will do
		}
	}
	if len(tree) != len(s.calm) {
		s.Errorf("%d files, want %d", len(tree), len(s.calm))
	}
}

// Networks and servers that fail, before a real server.
func TestWhatNetworksDo(t *testing.T) {
	s := newProxiedServer(t)
	t.Run("one answer in ten is spoilt", func(t *testing.T) { s.arrives(t) })
	t.Run("the server goes away for good", func(t *testing.T) { s.dies(t) })
}

// arrives: every report arrives, equal to one of a calm day, and the server is
// hardly asked for more.
func (s *proxiedServer) arrives(t *testing.T) {
	s.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "7"
	for seed := range soak(1, 50) {
		s.proxy.Spoil(0.1, uint64(seed))
		out := fmt.Sprint("out", seed)
		got := s.types("run", s.file, "--out", s.path(out))
		if got.code != exitOK || got.problems() != "" {
			t.Fatalf("seed %d, %q: exit code %d: %s", seed, s.proxy.Met(), got.code, got.err)
		}
		s.isCalm(out)
		if n := s.proxy.Asked(); float64(n) > 1.3*float64(s.asks) || len(s.proxy.Met()) < 5 {
			t.Errorf("seed %d, %q: %d requests instead of %d", seed, s.proxy.Met(), n, s.asks)
		}
		t.Logf("seed %d, %q: %d requests instead of %d", seed, s.proxy.Met(), s.proxy.Asked(), s.asks)
	}
}

// dies: what could not be read says so, with a reason, what could is right, the
// other host is read, and retry completes the tree.
func (s *proxiedServer) dies(t *testing.T) {
	s.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
	// Not the very last request: two runs may differ by one, when both of two
	// readers ask what the other has not yet got.
	for _, after := range []int{0, 5, s.asks / 2, s.asks - s.asks/20} {
		s.proxy.Spoil(0, 0)
		s.proxy.DieAfter(after)
		out := s.path(fmt.Sprint("died", after))
		got := s.types("run", s.file, "--out", out)
		if got.code != exitPartial || !strings.Contains(got.err, "unavailable: ") || !strings.Contains(got.err, "hint: start the server, or correct the address; ") {
			t.Errorf("after %d requests: exit code %d: %s", after, got.code, got.err)
		}
		tree := readTree(t, out)
		for name, text := range tree {
			if name != "index.json" && name != "models.csv" && s.calm[name] != text && !strings.Contains(text, `"code": "unavailable"`) {
				t.Errorf("after %d requests, %s is not what it should be", after, name)
			}
		}
		const other = "model_reports/@samples/Sklearn_Wine/2/report.json"
		if tree[other] != s.calm[other] {
			t.Errorf("after %d requests: the other host was not read", after)
		}
		s.proxy.Heal()
		if got := s.types("retry", out); got.code != exitOK || got.problems() != "" {
			t.Errorf("after %d requests: retry: %+v", after, got)
		}
		s.isCalm(filepath.Base(out))
	}
}
