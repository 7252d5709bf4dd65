package rest_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestClientAgainstRealServers(t *testing.T) {
	for _, version := range []string{mlflowtest.MLflow2, mlflowtest.MLflow3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := mlflowtest.StartServer(t, mlflowtest.ServerOptions{Version: version})
			c, err := rest.NewClient(rest.Options{TrackingURI: s.URL, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			t.Run("calls", func(t *testing.T) { realCalls(t, c, version) })
			t.Run("files", func(t *testing.T) { realFiles(t, c, s) })
			if retries := c.Stats().Retries; retries != 0 {
				t.Errorf("%d retries", retries)
			}
		})
	}
}

func realCalls(t *testing.T, c *rest.Client, version string) {
	if v, err := c.Version(t.Context()); v != version || err != nil {
		t.Errorf("Version: %q, %v", v, err)
	}
	o, err := c.Get(t.Context(), "experiments/get", url.Values{"experiment_id": {"0"}})
	if err != nil || o.Object("experiment").Text("name") != "Default" {
		t.Errorf("Get: %v", err)
	}
	o, err = c.Post(t.Context(), "experiments/search", mlflow.NewObject(mlflow.Member{Key: "max_results", Value: mlflow.Number("5")}))
	if err != nil || len(o.List("experiments")) != 1 {
		t.Errorf("Post: %v", err)
	}
	wrong := func(kind error, status int, path string, q url.Values) {
		t.Helper()
		_, err := c.Get(t.Context(), path, q)
		var api *rest.APIError
		if !errors.Is(err, kind) || !errors.As(err, &api) || api.Status != status {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := c.Post(t.Context(), "registered-models/create", mlflow.NewObject(mlflow.Member{Key: "name", Value: "m"})); err != nil {
		t.Fatal(err)
	}
	wrong(mlflow.ErrNotFound, 404, "experiments/get", url.Values{"experiment_id": {"99"}})
	wrong(mlflow.ErrNotFound, 400, "registered-models/alias", url.Values{"name": {"m"}, "alias": {"zzz"}})
	wrong(mlflow.ErrInvalid, 400, "registered-models/search", url.Values{"filter": {"nonsense"}})
	wrong(mlflow.ErrUnsupported, 404, "no-such-call", nil)
	wrong(mlflow.ErrUnsupported, 405, "runs/search", nil)
	if version == mlflowtest.MLflow2 {
		wrong(mlflow.ErrTooLarge, 400, "registered-models/get", url.Values{"name": {string(make([]byte, 5000))}})
	}
}

func realFiles(t *testing.T, c *rest.Client, s *mlflowtest.Server) {
	folder := filepath.Join(s.Artifacts, "1", "r", "artifacts", "m é?")
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"MLmodel": "flavors: {}\n", "data/a +b": "1234", "empty": ""} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := rest.NewArtifacts(c)
	at := fetch.Location{URI: "mlflow-artifacts:/1/r/artifacts/m é?"}
	f, err := a.ReadFile(t.Context(), at, "MLmodel", 100, fetch.Stamp{})
	if err != nil || string(f.Data) != "flavors: {}\n" {
		t.Errorf("MLmodel: %q, %v", f.Data, err)
	}
	if again, err := a.ReadFile(t.Context(), at, "MLmodel", 100, f.Stamp); err != nil || again.Unchanged == f.Stamp.IsZero() {
		t.Errorf("MLmodel again: %+v after %+v, %v", again, f.Stamp, err)
	}
	if f.Stamp.IsZero() && s.Version == mlflowtest.MLflow3 {
		t.Error("no ETag")
	}
	if f, err := a.ReadFile(t.Context(), at, "data/a +b", 4, fetch.Stamp{}); err != nil || string(f.Data) != "1234" {
		t.Errorf("data/a +b: %q, %v", f.Data, err)
	}
	for name, kind := range map[string]error{"missing": mlflow.ErrNotFound, "data": mlflow.ErrNotFound, "none/missing": mlflow.ErrNotFound} {
		if _, err := a.ReadFile(t.Context(), at, name, 100, fetch.Stamp{}); !errors.Is(err, kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.ReadFile(t.Context(), at, "data/a +b", 3, fetch.Stamp{}); !errors.Is(err, mlflow.ErrTooLarge) {
		t.Errorf("more than the limit: %v", err)
	}
	var got []mlflow.FileInfo
	for f, err := range a.List(t.Context(), at, "", -1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	want := []mlflow.FileInfo{{Path: "MLmodel", Bytes: 12}, {Path: "data", Dir: true}, {Path: "data/a +b", Bytes: 4}, {Path: "empty"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, err := range a.List(t.Context(), at, "none", 1) {
		if !errors.Is(err, mlflow.ErrNotFound) {
			t.Error(err)
		}
	}
}
