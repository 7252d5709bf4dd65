package rest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A server with a folder behind it shows aliases in latest_versions.
func TestLatestVersionsAreShownWhole(t *testing.T) {
	const model = `{"registered_model": {"name": "m", "latest_versions": [
		{"name": "m", "version": "10", "current_stage": "None", "aliases": ["live"]}, {"name": "m", "version": "9", "current_stage": "Archived"}]}}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(model))
	}))
	defer s.Close()
	c, err := rest.NewClient(rest.Options{TrackingURI: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, []string{"m"}, rest.NewReader(c, nil).Models)["m"]
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	const want = `[{"name":"m","version":"9","current_stage":"Archived"},{"name":"m","version":"10","current_stage":"None","aliases":["live"]}]`
	if l := string(mlflow.JSON{}.Append(nil, got.Value.List("latest_versions"))); l != want {
		t.Errorf("latest_versions are %s, want %s", l, want)
	}
}

func TestAnIDThatNoExperimentHasIsNotAskedFor(t *testing.T) {
	for _, version := range generations() {
		f, r := small(t, version)
		for _, id := range []string{"99999999999999999999", "cafe", ""} { // MLflow 3 answers 500 to the one, 3.8 to the other
			if got := read(t, []string{id}, r.Experiments)[id]; !errors.Is(got.Err, mlflow.ErrNotFound) {
				t.Errorf("%s: %q: %v", version, id, got.Err)
			}
		}
		if n := f.Count("experiments/get"); n != 0 {
			t.Errorf("%s: %d requests", version, n)
		}
	}
}
