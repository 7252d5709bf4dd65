package rest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// generations are the versions of MLflow that differ in how they are asked.
func generations() []string { return []string{"1.30.1", "2.9.2", "2.22.1", "3.4.0", "3.8.1", "3.17.2"} }

func newReader(t *testing.T, f *mlflowtest.Fake, o rest.Options) *rest.Reader {
	t.Helper()
	o.TrackingURI = f.URL
	if o.MaxRetries == 0 {
		o.MaxRetries = -1
	}
	c, err := rest.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return rest.NewReader(c, nil)
}

// small is a server with the small world, and a reader of it.
func small(t *testing.T, version string) (*mlflowtest.Fake, *rest.Reader) {
	t.Helper()
	f := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{Version: version})
	return f, newReader(t, f, rest.Options{})
}

// read returns all results, or ends the test.
func read[K comparable, V any](t *testing.T, keys []K, many func(context.Context, []K) (fetch.Results[K, V], error)) fetch.Results[K, V] {
	t.Helper()
	got, err := many(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, ok := got[k]; !ok {
			t.Errorf("no result for %v", k)
		}
	}
	return got
}

func in[K comparable, V any](many func(context.Context, []K, []string) (fetch.Results[K, V], error), experiments ...string) func(context.Context, []K) (fetch.Results[K, V], error) {
	return func(ctx context.Context, keys []K) (fetch.Results[K, V], error) { return many(ctx, keys, experiments) }
}

// show is an object, or the kind of its error.
func show(o *mlflow.Object, err error) string {
	if err != nil {
		return kind(err)
	}
	return string(mlflow.JSON{Indent: 2}.Append(nil, o))
}

func kind(err error) string {
	for _, k := range []error{mlflow.ErrNotFound, mlflow.ErrDenied, mlflow.ErrUnsupported, mlflow.ErrTooLarge, mlflow.ErrUnavailable} {
		if errors.Is(err, k) {
			return k.Error()
		}
	}
	return fmt.Sprintf("%v", err)
}

// likeGet wants a batch to give what one request for each key gives.
func likeGet[K comparable, V any](t *testing.T, what string, keys []K, object func(V) *mlflow.Object, many func(context.Context, []K) (fetch.Results[K, V], error)) {
	t.Helper()
	all := read(t, keys, many)
	for _, k := range keys {
		one := read(t, []K{k}, many)[k]
		if d := cmp.Diff(show(object(one.Value), one.Err), show(object(all[k].Value), all[k].Err)); d != "" {
			t.Errorf("%s %v: -get +batch\n%s", what, k, d)
		}
	}
}

func TestABatchGivesWhatGetGives(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			w := mlflowtest.SmallFakeWorld()
			var names, runs, experiments, logged []string
			var versions []mlflow.VersionID
			for _, m := range w.Models {
				names = append(names, m.Name)
				for n := range len(m.Versions) + 1 {
					versions = append(versions, mlflow.VersionID{Model: m.Name, Version: int64(n + 1)})
				}
			}
			for _, run := range w.Runs {
				runs = append(runs, run.ID)
			}
			for _, e := range w.Experiments {
				experiments = append(experiments, e.ID)
			}
			for _, l := range w.LoggedModels {
				logged = append(logged, l.ID)
			}
			names, runs = append(names, "nope", "a/b", "", "NUL\x00", "\xff"), append(runs, "nope", "", "it's")
			experiments, logged = append(experiments, "99", "5", "6"), append(logged, "m-nope", "../../runs/get", "")

			likeGet(t, "model", names, func(m mlflow.RegisteredModel) *mlflow.Object { return m.Object }, r.Models)
			likeGet(t, "version", versions, func(v fetch.Version) *mlflow.Object {
				if v.Object == nil {
					return nil
				}
				o := v.Clone()
				o.Delete("aliases") // the caller takes them from the model
				return o
			}, r.Versions)
			likeGet(t, "experiment", experiments, func(e mlflow.Experiment) *mlflow.Object { return e.Object }, r.Experiments)
			for _, hint := range [][]string{nil, {"1"}, {"1", "2", "3"}, {"99", "abc"}} {
				likeGet(t, "run", runs, func(v mlflow.Run) *mlflow.Object { return v.Object }, in(r.Runs, hint...))
				likeGet(t, "logged model", logged, func(v mlflow.LoggedModel) *mlflow.Object { return v.Object }, in(r.LoggedModels, hint...))
			}
			for _, req := range f.Requests() {
				if req.Method == "GET" && req.Line > 3900 {
					t.Errorf("a request line of %d bytes: %s", req.Line, req)
				}
			}
		})
	}
}

func TestOneKeyIsAskedWithItsGet(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			w := mlflowtest.SmallFakeWorld()
			read(t, []string{"wine", "wine"}, r.Models)
			read(t, []mlflow.VersionID{{Model: "wine", Version: 2}}, r.Versions)
			read(t, []string{w.Runs[0].ID}, in(r.Runs, "1"))
			read(t, []string{"1"}, r.Experiments)
			if _, err := r.ExperimentByName(t.Context(), "wine"); err != nil {
				t.Error(err)
			}
			want := map[string]int{"registered-models/get": 1, "model-versions/get": 1, "runs/get": 1, "experiments/get": 1, "experiments/get-by-name": 1}
			if version >= "3" {
				read(t, []string{w.LoggedModels[0].ID}, in(r.LoggedModels, "1"))
				want["logged-models/get"] = 1
			}
			if d := cmp.Diff(want, f.Counts()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNothingIsNotFoundBeforeItsGetSaysSo(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			got := read(t, []string{"wine", "a prompt", "secret", "nope"}, r.Models)
			var kinds []string
			for _, name := range []string{"wine", "a prompt", "secret", "nope"} {
				kinds = append(kinds, kind(got[name].Err))
			}
			if d := cmp.Diff([]string{"<nil>", "<nil>", "denied", "not found"}, kinds); d != "" {
				t.Error(d)
			}
			if n := f.Count("registered-models/get"); n < 3 {
				t.Errorf("%d requests by get, want one for each that the search did not show", n)
			}
			if err := got["nope"].Err; !strings.HasPrefix(err.Error(), `registered model "nope": `) {
				t.Errorf("the error does not begin with the object's name: %v", err)
			}
		})
	}
}

func TestDeletedRunsAndExperimentsAreRead(t *testing.T) {
	for _, version := range generations() {
		t.Run(version, func(t *testing.T) {
			_, r := small(t, version)
			w := mlflowtest.SmallFakeWorld()
			got := read(t, []string{w.Runs[3].ID, w.Runs[4].ID, w.Runs[0].ID}, in(r.Runs, "1"))
			wantAll(t, got)
			if !got[w.Runs[3].ID].Value.Deleted() || !got[w.Runs[4].ID].Value.Deleted() || got[w.Runs[0].ID].Value.Deleted() {
				t.Error("lifecycle_stage is wrong")
			}
			if e := read(t, []string{"1", "2"}, r.Experiments)["2"]; e.Err != nil || !e.Value.Deleted() {
				t.Error("the deleted experiment:", e)
			}
		})
	}
}

func TestWhereFilesAre(t *testing.T) {
	_, r := small(t, "3.17.2")
	w := mlflowtest.SmallFakeWorld()
	plain := mlflow.VersionID{Model: "casetwin", Version: 1}
	got := read(t, []mlflow.VersionID{plain, {Model: "wine", Version: 1}, {Model: "copy", Version: 1}}, r.Versions)
	if uri := got[plain].Value.DownloadURI; uri != w.Model("casetwin").Versions[0].Source || !strings.HasPrefix(uri, "mlflow-artifacts:/") {
		t.Errorf("of a version with a location: %q", uri)
	}
	for _, id := range []mlflow.VersionID{{Model: "wine", Version: 1}, {Model: "copy", Version: 1}} {
		if uri := got[id].Value.DownloadURI; uri != "" {
			t.Errorf("%v says %q, which is no location", id, uri)
		}
	}
	uri, err := r.DownloadURI(t.Context(), mlflow.VersionID{Model: "copy", Version: 1})
	if want := "mlflow-artifacts:/1/models/m-" + w.Runs[1].ID + "/artifacts"; uri != want || err != nil {
		t.Errorf("the copy is in %q (%v), want %q", uri, err, want)
	}
	if _, err := r.DownloadURI(t.Context(), mlflow.VersionID{Model: "copy", Version: 9}); !errors.Is(err, mlflow.ErrNotFound) {
		t.Error(err)
	}
}
