package sqlstore

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// listVersions are the URIs of the versions that a query lists.
func listVersions(t *testing.T, s *Store, q fetch.Query) []string {
	t.Helper()
	var got []string
	for v, err := range s.ListVersions(t.Context(), q) {
		got = append(got, listed(t, strings.TrimPrefix(v.ID().String(), "models:/"), err))
	}
	return got
}

func TestListsInByteOrderOverManyPages(t *testing.T) {
	d := newDB(t, mlflow317)
	d.exec("BEGIN")
	var want []string
	for i := range 3*pageSize + 1 {
		name := fmt.Sprintf("%s%d", []string{"b", "B", "é", "%", "'"}[i%5], i)
		d.add("registered_models", "name", name)
		d.add("model_versions", "name version current_stage", name, 10, "None")
		d.add("model_versions", "name version current_stage", name, 9, "None")
		want = append(want, name)
	}
	d.exec("COMMIT")
	s := d.done().open()
	slices.Sort(want)
	if got := strings.Split(modelsOf(t, s), " "); !slices.Equal(got, want) {
		t.Errorf("%d models, want %d in byte order", len(got), len(want))
	}
	var versions []string
	for _, n := range want {
		versions = append(versions, n+"/9", n+"/10")
	}
	if got := listVersions(t, s, fetch.Query{}); !slices.Equal(got, versions) {
		t.Errorf("%d versions, want %d by name and number", len(got), len(versions))
	}
}

func TestListsOnlyWhatTheQueryAsksFor(t *testing.T) {
	d := newDB(t, mlflow222)
	for _, name := range []string{"fraud_eu", "fraud_us", "FRAUD", "100%", "100x", "it's", "p"} {
		d.add("registered_models", "name", name)
		d.add("model_versions", "name version current_stage", name, 1, "None")
	}
	d.add("registered_model_tags", "name key value", "p", "mlflow.prompt.is_prompt", "true")
	s := d.done().open()
	for _, c := range []struct {
		query fetch.Query
		want  []string
	}{
		{fetch.Query{Models: []string{"it's", "fraud_us", "100%", "it's", "nope", "p"}}, []string{"100%/1", "fraud_us/1", "it's/1"}},
		{fetch.Query{Models: []string{}}, nil},
		{fetch.Query{Like: "fraud_%"}, []string{"fraud_eu/1", "fraud_us/1"}},
		{fetch.Query{Like: "fraud_%", Models: []string{"it's", "fraud_eu"}}, []string{"fraud_eu/1"}},
		{fetch.Query{Like: strings.Repeat("_", 60_000)}, []string{"100%/1", "100x/1", "FRAUD/1", "fraud_eu/1", "fraud_us/1", "it's/1"}},
	} {
		if got := listVersions(t, s, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%.100v: got %q, want %q", c.query, got, c.want)
		}
	}
}

func TestListsManyNamedModelsInOrder(t *testing.T) {
	d, names, _, _ := manyVersions(t, mlflow222, 2*maxKeys+3)
	s := d.done().open()
	asked := slices.Clone(names)
	slices.Reverse(asked)
	got := listVersions(t, s, fetch.Query{Models: asked})
	if len(got) != len(names) || !slices.IsSorted(got) {
		t.Errorf("%d versions, sorted: %t", len(got), slices.IsSorted(got))
	}
}

func TestAListingHoldsNoTransactionWhileItsReaderWorks(t *testing.T) {
	d, _, _, _ := manyVersions(t, mlflow222, 3)
	s := d.open()
	for m, err := range s.ListModels(t.Context(), fetch.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		d.exec("UPDATE registered_models SET description = 'seen' WHERE name = ?", m.Name())
	}
	for range s.ListVersions(t.Context(), fetch.Query{}) {
		break
	}
	for range s.ListRuns(t.Context(), "1") {
		break
	}
	d.exec("UPDATE registered_models SET description = 'written'")
}

func TestPromptsAreHiddenFromListingsAndReadByName(t *testing.T) {
	d := newDB(t, mlflow222)
	for _, name := range []string{"by model", "by version", "model"} {
		d.add("registered_models", "name", name)
		d.add("model_versions", "name version current_stage", name, 1, "None")
		d.add("model_versions", "name version current_stage", name, 2, "None")
	}
	d.add("registered_model_tags", "name key value", "by model", "mlflow.prompt.is_prompt", "true")
	d.add("model_version_tags", "name version key value", "by version", 2, "mlflow.prompt.is_prompt", "true")
	s := d.done().open()
	if got := listVersions(t, s, fetch.Query{}); !slices.Equal(got, []string{"model/1", "model/2"}) {
		t.Errorf("listed %q", got)
	}
	models, err := s.Models(t.Context(), []string{"by model"})
	if good(t, models, err) != 1 || !models["by model"].Value.IsPrompt() {
		t.Errorf("the prompt: %v", models)
	}
	id := mlflow.VersionID{Model: "by model", Version: 1}
	versions, err := s.Versions(t.Context(), []mlflow.VersionID{id})
	if good(t, versions, err) != 1 {
		t.Errorf("its version: %v", versions)
	}
}

func TestListsActiveRunsNewestFirst(t *testing.T) {
	d := newDB(t, mlflow222)
	d.exec("BEGIN")
	for i := range pageSize + 7 {
		d.add("runs", "run_uuid lifecycle_stage start_time experiment_id", fmt.Sprintf("r%04d", i), "active", i/2, 1)
	}
	d.add("runs", "run_uuid lifecycle_stage start_time experiment_id", "no time", "active", nil, 1)
	d.add("runs", "run_uuid lifecycle_stage start_time experiment_id", "deleted", "deleted", 9999, 1)
	d.add("runs", "run_uuid lifecycle_stage start_time experiment_id", "elsewhere", "active", 9999, 2)
	d.exec("COMMIT")
	s := d.done().open()
	var got []string
	for r, err := range s.ListRuns(t.Context(), "1") {
		got = append(got, listed(t, r.ID(), err))
	}
	if len(got) != pageSize+8 || !slices.Equal(got[:3], []string{"r0506", "r0504", "r0505"}) || got[len(got)-1] != "no time" {
		t.Errorf("%d runs: %q ... %q", len(got), got[:3], got[len(got)-1])
	}
	for _, id := range []string{"77", "", "x"} {
		for r, err := range s.ListRuns(t.Context(), id) {
			t.Errorf("experiment %q has run %s, %v", id, r.ID(), err)
		}
	}
}

func TestARunThatIsDeletedMeanwhileIsNotListed(t *testing.T) {
	d := newDB(t, mlflow222)
	for i := range pageSize + 2 {
		d.add("runs", "run_uuid lifecycle_stage start_time experiment_id", fmt.Sprintf("r%04d", i), "active", -i, 1)
	}
	s := d.open()
	n := 0
	for r, err := range s.ListRuns(t.Context(), "1") {
		if n == 0 {
			d.exec("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", fmt.Sprintf("r%04d", pageSize))
			d.exec("DELETE FROM runs WHERE run_uuid = ?", fmt.Sprintf("r%04d", pageSize+1))
		}
		listed(t, r.ID(), err)
		n++
	}
	if n != pageSize {
		t.Errorf("%d runs", n)
	}
}

func TestExperimentByNameFindsDeletedOnesAndNoOthers(t *testing.T) {
	d := newDB(t, mlflow222)
	d.add("experiments", "experiment_id name lifecycle_stage", 1, "it's 100% \"x\"", "deleted")
	s := d.done().open()
	e, err := s.ExperimentByName(t.Context(), "it's 100% \"x\"")
	if err != nil || e.ID() != "1" || !e.Deleted() {
		t.Errorf("got %v, %v", e, err)
	}
	for _, name := range []string{"it's 100_ \"x\"", "IT'S 100% \"X\"", ""} {
		_, err := s.ExperimentByName(t.Context(), name)
		wantError(t, err, fmt.Sprintf("there is no experiment called %q", name), "", mlflow.ErrNotFound)
	}
}
