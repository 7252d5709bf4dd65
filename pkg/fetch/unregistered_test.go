package fetch_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// surveyed is a Surveyor whose objects a test writes down.
type surveyed struct {
	models []mlflow.LoggedModel
	runs   []mlflow.Run
	err    error
}

func (surveyed) Survey(context.Context) (fetch.Survey, error) { return fetch.Survey{}, nil }

func (s surveyed) ListLoggedModels(context.Context) iter.Seq2[mlflow.LoggedModel, error] {
	return func(yield func(mlflow.LoggedModel, error) bool) {
		for _, m := range s.models {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (s surveyed) ListModelRuns(context.Context) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		for _, r := range s.runs {
			if !yield(r, nil) {
				return
			}
		}
		if s.err != nil {
			yield(mlflow.Run{}, s.err)
		}
	}
}

func object(t *testing.T, text string) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func runWithHistory(t *testing.T, id, history string) mlflow.Run {
	t.Helper()
	tag := mlflow.NewObject(mlflow.Member{Key: "key", Value: fetch.HistoryTag}, mlflow.Member{Key: "value", Value: history})
	return mlflow.Run{Object: mlflow.NewObject(
		mlflow.Member{Key: "info", Value: object(t, `{"run_id": "`+id+`"}`)},
		mlflow.Member{Key: "data", Value: mlflow.NewObject(mlflow.Member{Key: "tags", Value: []any{tag}})},
	)}
}

func version(t *testing.T, text string) mlflow.ModelVersion {
	t.Helper()
	return mlflow.ModelVersion{Object: object(t, text)}
}

func listing(versions ...mlflow.ModelVersion) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		for _, v := range versions {
			if !yield(fetch.Version{ModelVersion: v}, nil) {
				return
			}
		}
	}
}

func TestVersionsAreNotListedWhenNothingWasLogged(t *testing.T) {
	listed := false
	versions := func(func(fetch.Version, error) bool) { listed = true }
	for ref := range fetch.Unregistered(t.Context(), surveyed{runs: []mlflow.Run{runWithHistory(t, "r", `[]`)}}, versions) {
		t.Error(ref)
	}
	if listed {
		t.Error("a million versions were listed for nothing")
	}
}

func TestUnregisteredModelsComeOnceAndRegisteredOnesNot(t *testing.T) {
	logged := func(id, name, run string) mlflow.LoggedModel {
		return mlflow.LoggedModel{Object: object(t, `{"info": {"model_id": "`+id+`", "name": "`+name+`", "source_run_id": "`+run+`"}}`)}
	}
	s := surveyed{
		models: []mlflow.LoggedModel{logged("m-1", "model", "r1"), logged("m-2", "model", "r2"), logged("m-3", "x", ""), logged("m-4", "y", "r4"), logged("m-5", "z", "r5")},
		runs: []mlflow.Run{
			runWithHistory(t, "r1", `[{"artifact_path": "model"}, {"artifact_path": "other"}, {"artifact_path": "other"}]`), // m-1, and one more
			runWithHistory(t, "r6", `[{"artifact_path": "model"}, {"artifact_path": "a/b"}]`),
			runWithHistory(t, "r7", `[{"artifact_path": "model"}]`),
			runWithHistory(t, "r8", `[{"artifact_path": "mod`), // cut off at the limit of a tag
			runWithHistory(t, "r9", `["odd", {"artifact_path": ""}, {}]`),
		},
	}
	registered := []mlflow.ModelVersion{
		version(t, `{"name": "a", "version": "1", "source": "models:/m-2"}`),
		version(t, `{"name": "a", "version": "2", "source": "mlflow-artifacts:/1/models/m-4/artifacts", "run_id": "r4"}`),
		version(t, `{"name": "a", "version": "3", "source": "file:///C:/x/mlruns/1/r6/artifacts/model", "run_id": "r6"}`),
		version(t, `{"name": "a", "version": "4", "source": "runs:/r7/model", "run_id": "r7"}`),
		version(t, `{"name": "a", "version": "5", "source": "s3://b/else", "run_id": "r5", "model_id": "m-5"}`),
		version(t, `{"name": "b", "version": "1", "source": "models:/a/1"}`),
	}
	var got []string
	for ref, err := range fetch.Unregistered(t.Context(), s, listing(registered...)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ref.String())
	}
	want := []string{"models:/m-1", "models:/m-3", "runs:/r1/other", "runs:/r6/a/b"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnregisteredModelsEndWithTheStoresError(t *testing.T) {
	s := surveyed{runs: []mlflow.Run{runWithHistory(t, "r", `[{"artifact_path": "model"}]`)}, err: mlflow.ErrUnavailable}
	n, last := 0, error(nil)
	for _, err := range fetch.Unregistered(t.Context(), s, listing()) {
		n, last = n+1, err
	}
	if n != 2 || !errors.Is(last, mlflow.ErrUnavailable) {
		t.Error(n, last)
	}
}
