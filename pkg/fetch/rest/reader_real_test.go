//go:build unix

package rest_test

import (
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TestABatchGivesWhatGetGivesOnRealServers reads every object of the test
// world in batches and one by one.
func TestABatchGivesWhatGetGivesOnRealServers(t *testing.T) {
	for _, version := range []string{mlflowtest.MLflow2, mlflowtest.MLflow3} {
		for _, backend := range []string{"sqlite", "folder"} {
			t.Run(version+" "+backend, func(t *testing.T) {
				s := mlflowtest.World(t, version, backend)
				compareWorld(t, s)
			})
		}
	}
}

func compareWorld(t *testing.T, s *mlflowtest.Server) {
	c, err := rest.NewClient(rest.Options{TrackingURI: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := rest.NewReader(c, nil)

	models, err := names(r.ListModels(t.Context(), fetch.Query{}), modelName)
	if err != nil || !slices.IsSorted(models) {
		t.Fatal(models, err)
	}
	listed, err := names(r.ListVersions(t.Context(), fetch.Query{}), versionName)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(s.IDs.Versions))
	if got := slices.Sorted(slices.Values(listed)); len(got) < 20 || !subset(got, want) {
		t.Errorf("the listing of versions: %s", gocmp.Diff(want, got))
	}
	named, err := names(r.ListVersions(t.Context(), fetch.Query{Models: models}), versionName)
	if d := gocmp.Diff(listed, named); d != "" || err != nil {
		t.Error("versions by the names of all models:", err, d)
	}

	var ids []mlflow.VersionID
	for _, uri := range s.IDs.Versions {
		if ref, err := mlflow.ParseRef(uri); err == nil && ref.Kind == mlflow.VersionRef {
			ids = append(ids, ref.VersionID())
		}
	}
	if len(ids) < len(listed) {
		t.Errorf("the world names %d versions, the server %d", len(ids), len(listed))
	}
	likeGet(t, "model", append(models, "nope"), func(m mlflow.RegisteredModel) *mlflow.Object { return m.Object }, r.Models)
	likeGet(t, "version", append(ids, mlflow.VersionID{Model: "nope", Version: 1}), func(v fetch.Version) *mlflow.Object {
		o := v.Clone()
		o.Delete("aliases") // the caller takes them from the model
		return o
	}, r.Versions)

	experiments := []string{"99"}
	for _, id := range s.IDs.Experiments {
		experiments = append(experiments, id)
	}
	likeGet(t, "experiment", experiments, func(e mlflow.Experiment) *mlflow.Object { return e.Object }, r.Experiments)
	for _, hint := range [][]string{nil, experiments[:2]} {
		likeGet(t, "run", append(values(s.IDs.Runs), "nope"), func(v mlflow.Run) *mlflow.Object { return v.Object }, in(r.Runs, hint...))
		likeGet(t, "logged model", append(values(s.IDs.LoggedModels), "m-nope", "m-1", "m-2"), func(v mlflow.LoggedModel) *mlflow.Object { return v.Object }, in(r.LoggedModels, hint...))
	}
	compareRunLists(t, r, experiments)
}

// compareRunLists wants each listed run as its get shows it, newest first.
func compareRunLists(t *testing.T, r *rest.Reader, experiments []string) {
	seen := 0
	for _, e := range experiments[1:] {
		last := "~"
		for run, err := range r.ListRuns(t.Context(), e) {
			if err != nil {
				t.Fatal(err)
			}
			seen++
			one := read(t, []string{run.ID()}, in(r.Runs))[run.ID()]
			if d := gocmp.Diff(show(one.Value.Object, one.Err), show(run.Object, nil)); d != "" {
				t.Errorf("run %s: -get +list\n%s", run.ID(), d)
			}
			start := run.Info().Text("start_time")
			if len(start) == len(last) && start > last {
				t.Errorf("run %s is newer than the one before", run.ID())
			}
			last = start
		}
	}
	if seen < 10 {
		t.Errorf("%d runs were listed", seen)
	}
}

func values(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return slices.Sorted(slices.Values(out))
}

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
