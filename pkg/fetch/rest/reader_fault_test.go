package rest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestAHostThatFailsAsAWholeFailsEachKey(t *testing.T) {
	for name, c := range map[string]struct {
		fault mlflowtest.Fault
		want  string
	}{
		"refused":      {mlflowtest.Fault{Status: 401}, "denied"},
		"forbidden":    {mlflowtest.Fault{Status: 403}, "denied"},
		"overloaded":   {mlflowtest.Fault{Status: 429, RetryAfter: 1}, "unavailable"},
		"broken":       {mlflowtest.Fault{Status: 500}, "unavailable"},
		"down":         {mlflowtest.Fault{Status: 503}, "unavailable"},
		"login page":   {mlflowtest.Fault{LoginPage: true}, "unavailable"},
		"cut short":    {mlflowtest.Fault{CutShort: true}, "unavailable"},
		"no answer":    {mlflowtest.Fault{NoAnswer: true}, "unavailable"},
		"same token":   {mlflowtest.Fault{SameToken: true, If: isSearch}, "unavailable"},
		"empty pages":  {mlflowtest.Fault{NewTokens: true, If: isSearch}, "unavailable"},
		"another kind": {mlflowtest.Fault{Body: `{"registered_model": 3, "run": []}`, If: isGet}, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			f, r := small(t, "3.17.2")
			f.Fail(c.fault)
			for what, err := range failures(t, r) {
				if got := kind(err); got != c.want {
					t.Errorf("%s: %v, want %s", what, err, c.want)
				}
			}
		})
	}
}

func isSearch(r mlflowtest.FakeRequest) bool { return strings.HasSuffix(r.Endpoint, "/search") }
func isGet(r mlflowtest.FakeRequest) bool    { return !isSearch(r) }

// failures reads keys that are not there with each method.
func failures(t *testing.T, r *rest.Reader) map[string]error {
	t.Helper()
	out := map[string]error{}
	for k, v := range read(t, []string{"x", "y"}, r.Models) {
		out["model "+k] = v.Err
	}
	for k, v := range read(t, []mlflow.VersionID{{Model: "x", Version: 1}, {Model: "x", Version: 2}, {Model: "y", Version: 1}}, r.Versions) {
		out[k.String()] = v.Err
	}
	for k, v := range read(t, []string{"x", "y"}, in(r.Runs, "1")) {
		out["run "+k] = v.Err
	}
	for k, v := range read(t, []string{"8", "9"}, r.Experiments) {
		out["experiment "+k] = v.Err
	}
	for k, v := range read(t, []string{"m-x", "m-y"}, in(r.LoggedModels, "1")) {
		out["logged model "+k] = v.Err
	}
	return out
}

func TestACallThatIsCutOffKeepsWhatIsRight(t *testing.T) {
	for _, endpoint := range []string{"registered-models/search", "registered-models/get", "runs/search", "graphql", "runs/get"} {
		t.Run(endpoint, func(t *testing.T) {
			f, r := small(t, "3.17.2")
			w := mlflowtest.SmallFakeWorld()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f.Fail(mlflowtest.Fault{Endpoint: endpoint, Seen: func(int) { cancel() }, Until: make(chan struct{})})
			models, err := r.Models(ctx, []string{"wine", "empty", "nope"})
			if strings.HasPrefix(endpoint, "registered") && !errors.Is(err, context.Canceled) {
				t.Errorf("models: %v", err)
			}
			for name, m := range models {
				if name == "nope" && kind(m.Err) == "not found" {
					continue
				}
				if m.Err != nil || m.Value.Name() != name {
					t.Errorf("%s: %v", name, m)
				}
			}
			ids := []string{w.Runs[0].ID, w.Runs[1].ID, w.Runs[9].ID, "nope"}
			runs, err := r.Runs(ctx, ids, []string{"1"})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("runs: %v", err)
			}
			full := read(t, ids[:3], in(newReader(t, mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{}), rest.Options{}).Runs, "1"))
			for id, run := range runs {
				if d := cmp.Diff(show(full[id].Value.Object, nil), show(run.Value.Object, run.Err)); d != "" {
					t.Errorf("run %s: %s", id, d)
				}
			}
		})
	}
}

func TestAnswersThatAreTooLargeAreAskedForInHalves(t *testing.T) {
	w := mlflowtest.BulkFakeWorld(8, 4, true)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	readAll(t, newReader(t, f, rest.Options{MaxBody: 6000}), w)
	if n := f.Count("runs/search"); n < 4 {
		t.Errorf("%d searches of runs: the limit did not bite", n)
	}
}

func TestRunsAreCompletedWithoutGraphQL(t *testing.T) {
	w := mlflowtest.SmallFakeWorld()
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: "3.8.1", NoGraphQL: true})
	r := newReader(t, f, rest.Options{})
	ids := []string{w.Runs[0].ID, w.Runs[1].ID, w.Runs[2].ID, w.Runs[6].ID}
	for range 2 {
		f.Forget()
		likeGet(t, "run", ids, func(v mlflow.Run) *mlflow.Object { return v.Object }, in(r.Runs, "1"))
	}
	if f.Count("graphql") != 0 {
		t.Error("a server without GraphQL was asked for it again")
	}
}

func TestRunsAreCompletedWhereGraphQLIsBroken(t *testing.T) {
	f, r := small(t, "3.17.2")
	f.Fail(mlflowtest.Fault{Endpoint: "graphql", Status: 500})
	w := mlflowtest.SmallFakeWorld()
	ids := []string{w.Runs[0].ID, w.Runs[1].ID, w.Runs[2].ID}
	for range 2 {
		likeGet(t, "run", ids, func(v mlflow.Run) *mlflow.Object { return v.Object }, in(r.Runs, "1"))
	}
	if n := f.Count("graphql"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func TestAnswersAboutAnotherObjectAreNotBelieved(t *testing.T) {
	for endpoint, body := range map[string]string{
		"registered-models/get": `{"registered_model": {"name": "other"}}`,
		"model-versions/get":    `{"model_version": {"name": "wine", "version": "7"}}`,
		"runs/get":              `{"run": {"info": {"run_id": "other"}}}`,
		"experiments/get":       `{"experiment": {"experiment_id": "7"}}`,
		"logged-models/get":     `{"model": {"info": {"model_id": "m-7"}}}`,
	} {
		f, r := small(t, "3.17.2")
		f.Fail(mlflowtest.Fault{Endpoint: endpoint, Body: body})
		errs := map[string]error{
			"registered-models/get": read(t, []string{"wine"}, r.Models)["wine"].Err,
			"model-versions/get":    read(t, []mlflow.VersionID{{Model: "wine", Version: 1}}, r.Versions)[mlflow.VersionID{Model: "wine", Version: 1}].Err,
			"runs/get":              read(t, []string{"x"}, in(r.Runs))["x"].Err,
			"experiments/get":       read(t, []string{"1"}, r.Experiments)["1"].Err,
			"logged-models/get":     read(t, []string{"m-x"}, in(r.LoggedModels))["m-x"].Err,
		}
		if !errors.Is(errs[endpoint], mlflow.ErrUnavailable) {
			t.Errorf("%s: %v", endpoint, errs[endpoint])
		}
	}
}
