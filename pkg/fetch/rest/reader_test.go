package rest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	return string(mlflow.JSON{Indent: "  "}.Append(nil, o))
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

// TestRequestsOfABatch is the budget of 200 versions of 50 models: what each
// step of a batch asks, in the order in which a batch takes them.
func TestRequestsOfABatch(t *testing.T) {
	type counts map[string]int
	for version, want := range map[string]struct {
		logged bool
		counts counts
	}{
		"1.30.1": {false, counts{"registered-models/search": 1, "registered-models/get": 0, "model-versions/search": 52, "runs/search": 1, "runs/get": 200, "experiments/search": 1, "experiments/get": 2}},
		"2.22.1": {false, counts{"registered-models/search": 1, "registered-models/get": 50, "model-versions/search": 50, "runs/search": 1, "runs/get": 1, "experiments/search": 1, "experiments/get": 2}},
		"3.8.1":  {true, counts{"registered-models/search": 1, "registered-models/get": 50, "model-versions/search": 50, "logged-models/search": 1, "runs/search": 1, "graphql": 20, "experiments/search": 1, "experiments/get": 2}},
		"3.17.2": {true, counts{"registered-models/search": 1, "model-versions/search": 1, "logged-models/search": 1, "runs/search": 1, "graphql": 20, "experiments/search": 1}},
	} {
		t.Run(version, func(t *testing.T) {
			w := mlflowtest.BulkFakeWorld(50, 4, want.logged)
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			r := newReader(t, f, rest.Options{})
			readAll(t, r, w)
			got := f.Counts()
			for endpoint, n := range want.counts {
				if got[endpoint] != n {
					t.Errorf("%s: %d requests, want %d", endpoint, got[endpoint], n)
				}
			}
			if limit := map[string]int{"2.22.1": 140, "3.17.2": 40}[version]; limit > 0 && f.Count("") > limit {
				t.Errorf("%d requests, more than %d: %v", f.Count(""), limit, got)
			}
		})
	}
}

// readAll reads all of a world, as a batch would.
func readAll(t *testing.T, r *rest.Reader, w *mlflowtest.FakeWorld) {
	t.Helper()
	var names, runs, logged []string
	var versions []mlflow.VersionID
	for _, m := range w.Models {
		names = append(names, m.Name)
		for _, v := range m.Versions {
			versions = append(versions, mlflow.VersionID{Model: m.Name, Version: int64(v.Number)})
		}
	}
	for _, run := range w.Runs {
		runs = append(runs, run.ID)
	}
	for _, l := range w.LoggedModels {
		logged = append(logged, l.ID)
	}
	wantAll(t, read(t, names, r.Models))
	wantAll(t, read(t, versions, r.Versions))
	if len(logged) > 0 {
		wantAll(t, read(t, logged, in(r.LoggedModels, "1")))
	}
	wantAll(t, read(t, runs, in(r.Runs, "1")))
	wantAll(t, read(t, []string{"0", "1"}, r.Experiments))
}

func wantAll[K comparable, V any](t *testing.T, got fetch.Results[K, V]) {
	t.Helper()
	for k, v := range got {
		if v.Err != nil {
			t.Errorf("%v: %v", k, v.Err)
		}
	}
}

func TestWhatAServerCannotDoIsNotAskedAgain(t *testing.T) {
	for version, want := range map[string]map[string]int{
		"1.30.1": {"registered-models/get": 6, "model-versions/get": 6, "model-versions/search": 1, "experiments/get": 2, "runs/get": 2},
		"2.22.1": {"registered-models/get": 6, "model-versions/search": 2, "experiments/get": 2, "runs/search": 1},
	} {
		t.Run(version, func(t *testing.T) {
			f, r := small(t, version)
			w := mlflowtest.SmallFakeWorld()
			var names []string
			for _, m := range w.Models[:6] {
				names = append(names, m.Name)
			}
			versions := []mlflow.VersionID{{Model: "wine", Version: 1}, {Model: "wine", Version: 2}, {Model: "gone", Version: 1}, {Model: "gone", Version: 2}}
			again := func() {
				read(t, names, r.Models)
				read(t, versions, r.Versions)
				read(t, []string{"1", "2"}, r.Experiments)
				read(t, []string{w.Runs[0].ID, w.Runs[1].ID}, in(r.Runs, "1"))
				read(t, []string{"m-1", "m-2"}, in(r.LoggedModels, "1"))
			}
			again()
			f.Forget()
			again()
			if version == "1.30.1" {
				delete(want, "model-versions/search")
				want["model-versions/get"] = 4
			} else {
				want["model-versions/get"] = 1 // the deleted version, which the search hides
			}
			if d := cmp.Diff(want, f.Counts()); d != "" {
				t.Errorf("the second time: %s", d)
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

func TestIgnoredListsAreNoticedEverywhere(t *testing.T) {
	w := mlflowtest.SmallFakeWorld()
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{IgnoresLists: true})
	r := newReader(t, f, rest.Options{})
	experiments, runs := []string{"1", "3"}, []string{w.Runs[0].ID, w.Runs[1].ID}
	logged := []string{w.LoggedModels[1].ID, w.LoggedModels[2].ID}
	for range 2 {
		f.Forget()
		for k, v := range read(t, []string{"wine", "casetwin"}, r.Models) {
			if v.Err != nil || v.Value.Name() != k {
				t.Error(k, v)
			}
		}
		for k, v := range read(t, experiments, r.Experiments) {
			if v.Err != nil || v.Value.ID() != k {
				t.Error(k, v)
			}
		}
		for k, v := range read(t, runs, in(r.Runs, "1", "3")) {
			if v.Err != nil || v.Value.ID() != k {
				t.Error(k, v)
			}
		}
		for k, v := range read(t, logged, in(r.LoggedModels, "1")) {
			if v.Err != nil || v.Value.ID() != k {
				t.Error(k, v)
			}
		}
	}
	want := map[string]int{"registered-models/get": 2, "experiments/get": 2, "runs/get": 2, "logged-models/get": 2}
	if d := cmp.Diff(want, f.Counts()); d != "" {
		t.Errorf("the second time: %s", d)
	}
}

func TestServersWithoutLoggedModelsAreAskedOnce(t *testing.T) {
	f, r := small(t, "2.22.1")
	for range 2 {
		for id, got := range read(t, []string{"m-1", "m-2", "m-3", "m-4", "m-5"}, in(r.LoggedModels, "1")) {
			if !errors.Is(got.Err, mlflow.ErrUnsupported) || !strings.Contains(got.Err.Error(), id) {
				t.Errorf("%s: %v", id, got.Err)
			}
		}
	}
	if n := f.Count(""); n != 1 {
		t.Errorf("%d requests, want 1: %v", n, f.Counts())
	}
}

func TestExperimentsAreListedOnceToFindRuns(t *testing.T) {
	f, r := small(t, "3.17.2")
	w := mlflowtest.SmallFakeWorld()
	var ids []string
	for _, run := range w.Runs {
		ids = append(ids, run.ID)
	}
	for range 2 {
		wantAll(t, read(t, ids, in(r.Runs)))
		wantAll(t, read(t, ids, in(r.Runs, "3")))
	}
	want := map[string]int{"experiments/search": 1, "runs/search": 6, "graphql": 8}
	if d := cmp.Diff(want, f.Counts()); d != "" {
		t.Error(d)
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

func TestLongNamesFitIntoRequestLines(t *testing.T) {
	for _, version := range []string{"2.22.1", "3.17.2"} {
		t.Run(version, func(t *testing.T) {
			w := &mlflowtest.FakeWorld{Experiments: []mlflowtest.FakeExperiment{{ID: "0", Name: "Default"}, {ID: "1", Name: "long"}}}
			for i := range 40 {
				for range 3 {
					w.AddVersion(fmt.Sprintf("%d %s", i, strings.Repeat("ü'\"☃"[:2+i%6], 40)), false)
				}
			}
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version, Prefix: "/some/prefix"})
			readAll(t, newReader(t, f, rest.Options{}), w)
			for _, req := range f.Requests() {
				if req.Line > 3900 {
					t.Errorf("a request line of %d bytes", req.Line)
				}
			}
		})
	}
}

func TestFewVersionsOfManyAreNotDownloadedAll(t *testing.T) {
	w := &mlflowtest.FakeWorld{}
	big := mlflowtest.FakeModel{Name: "big"}
	for n := range 10000 {
		big.Versions = append(big.Versions, mlflowtest.FakeVersion{Number: n + 1})
	}
	huge := big
	huge.Name = "huge"
	w.Models = append(w.Models, big, huge)
	for i := range 30 {
		w.Models = append(w.Models, mlflowtest.FakeModel{Name: fmt.Sprint("small", i), Versions: []mlflowtest.FakeVersion{{Number: 1}, {Number: 2}}})
	}
	ids := []mlflow.VersionID{{Model: "big", Version: 3}, {Model: "big", Version: 900}, {Model: "big", Version: 5000}, {Model: "big", Version: 9999}, {Model: "big", Version: 10000}, {Model: "huge", Version: 6000}}
	for i := range 30 {
		ids = append(ids, mlflow.VersionID{Model: fmt.Sprint("small", i), Version: int64(i%2 + 1)})
	}
	for version, most := range map[string]int{"1.30.1": 40, "2.22.1": 40, "3.17.2": 8} {
		t.Run(version, func(t *testing.T) {
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			wantAll(t, read(t, ids, newReader(t, f, rest.Options{}).Versions))
			if rows := f.Rows("model-versions/search"); rows > 300 {
				t.Errorf("%d versions were downloaded to get %d", rows, len(ids))
			}
			if n := f.Count(""); n > most {
				t.Errorf("%d requests, more than %d: %v", n, most, f.Counts())
			}
		})
	}
}

func TestManyVersionsOfOneModelComeInFewRequests(t *testing.T) {
	w := &mlflowtest.FakeWorld{}
	big := mlflowtest.FakeModel{Name: "big"}
	var ids []mlflow.VersionID
	for n := range 5000 {
		big.Versions = append(big.Versions, mlflowtest.FakeVersion{Number: n + 1})
		ids = append(ids, mlflow.VersionID{Model: "big", Version: int64(n + 1)})
	}
	w.Models = append(w.Models, big)
	slices.Reverse(ids)
	for version, most := range map[string]int{"1.30.1": 10, "2.22.1": 3, "3.17.2": 3} {
		t.Run(version, func(t *testing.T) {
			f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{Version: version})
			wantAll(t, read(t, ids, newReader(t, f, rest.Options{}).Versions))
			if n := f.Count(""); n > most {
				t.Errorf("%d requests, more than %d: %v", n, most, f.Counts())
			}
		})
	}
}
