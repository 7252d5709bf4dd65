package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// Whoever may register a model can write any address into it. None of them is
// ever asked, and no credentials go there.
func TestNothingIsAskedOfAHostThatOnlyDataNames(t *testing.T) {
	var asked atomic.Int32
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(foreign.Close)
	w := mlflowtest.SmallFakeWorld()
	v := w.AddVersion("lured", true)
	v.Source = foreign.URL + "/model"
	v.Tags = map[string]string{"mlflow.source.git.repoURL": foreign.URL + "/repo"}
	w.Runs[len(w.Runs)-1].Datasets = []string{foreign.URL + "/data.csv"}
	w.AddVersion("lured", true).Source = foreign.URL + "/api/2.0/mlflow-artifacts/artifacts/1/x/artifacts/model"
	s := &serverUser{sampleStore: newSampleStore(t)}
	s.fake = mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	s.url = s.fake.URL
	got := s.runs("{uri: models:/lured/1, artifact-max-level: all, objects: true}", `{select: {models: "lur*", versions: all}, artifact-max-level: all}`)
	if n := asked.Load(); n != 0 {
		t.Errorf("a host that only data names was asked %d times", n)
	}
	if !strings.Contains(got.err, "artifact-unsupported") {
		t.Errorf("the reports do not say that the files were not looked for:\n%s", got.err)
	}
}
