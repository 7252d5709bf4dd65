//go:build unix

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A server that dies for good before its nth request, whichever that is, makes
// exit code 3 without being asked to; the other host is read; and when the
// server is back, `retry` makes the tree what it would have been.
func TestRetryCompletesWhatAServerLeftThatDied(t *testing.T) {
	fake := mlflowtest.StartFake(t, mlflowtest.BulkFakeWorld(4, 3, true), mlflowtest.FakeOptions{})
	s := newSampleStore(t)
	proxy := mlflowtest.StartFaultProxy(t, fake.URL)
	s.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
	file := s.writes("m.yaml", fmt.Sprintf("version: 1\nhosts:\n  prod: {tracking: %q}\n", proxy.URL)+
		"  samples: {tracking: sqlite:///store/mlflow.db, artifact-roots: {\"mlflow-artifacts:/\": store/artifacts}}\n"+
		"defaults: {host: prod}\nmodels:\n  - select: {models: \"*\", versions: all}\n  - {uri: models:/Sklearn_Wine/2, host: samples}\n")
	if got := s.types("run", file, "--out", s.path("calm")); got.code != exitOK {
		t.Fatal(got)
	}
	calm, asks := readTree(t, s.path("calm")), proxy.Asked()
	times := soak(5, asks)
	last := asks - asks/20 // two runs may differ by a request
	for i := range times { // from the first request to (almost) the last
		after := i * last / max(1, times-1)
		proxy.Heal()
		proxy.DieAfter(after)
		out := s.path(fmt.Sprint("died", after))
		got := s.types("run", file, "--out", out)
		if proxy.Heal(); got.code != exitPartial || !strings.Contains(got.err, "unavailable: ") {
			t.Errorf("after %d of %d requests: %+v", after, asks, got)
		}
		if !strings.Contains(got.err, "mlreport retry "+strings.Replace(out, s.dir, "DIR", 1)) {
			t.Errorf("after %d requests, it does not say what to do: %s", after, got.err)
		}
		const other = "model_reports/@samples/Sklearn_Wine/2/report.json"
		if readTree(t, out)[other] != calm[other] {
			t.Errorf("after %d requests: the other host was not read", after)
		}
		if got := s.types("retry", out); got.code != exitOK || got.problems() != "" {
			t.Errorf("after %d requests: retry: %+v", after, got)
		}
		if d := cmp.Diff(calm, readTree(t, out)); d != "" {
			t.Fatalf("after %d requests, retry makes another tree: %s", after, d)
		}
	}
}
