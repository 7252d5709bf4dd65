package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func inventoryOf(t *testing.T, text string) Inventory {
	t.Helper()
	doc, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return InventoryOf(doc)
}

func TestInventoryOfAVersion(t *testing.T) {
	yes := true
	got := inventoryOf(t, `{
		"mlflow_model": {"model_flavor": "sklearn", "mlflow_version": "3.17.2", "signature": {"inputs": [{"type": "long"}], "outputs": null, "params": null}},
		"run": {"info": {"run_id": "ab", "user_id": "anna"}, "data": {"tags": {"owner": "of the run", "mlflow.source.git.commit": "c0ffee"}},
			"inputs": {"dataset_inputs": [
				{"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": {"name": "wine", "digest": "d1"}},
				{"dataset": {"name": "wine", "digest": "d1"}}, {"dataset": {"name": "wine", "digest": "d1"}}]}},
		"registered_model": {"description": "all versions", "tags": {"owner": "risk"}},
		"model_version": {"name": "m", "version": "7", "current_stage": "Production", "run_id": "ab", "_creation_timestamp": "2026-01-02 03:04:05",
			"description": "", "tags": {}, "aliases": ["live", "champion"]},
		"logged_model": {"info": {"tags": {"mlflow.user": "bob"}}}}`)
	want := Inventory{
		Aliases: []string{"champion", "live"}, Stage: "Production", Owner: "risk", Description: "all versions", Created: "2026-01-02 03:04:05",
		Run: "ab", RunUser: "anna", GitCommit: "c0ffee", Flavor: "sklearn", MLflowVersion: "3.17.2", Signature: &yes,
		Datasets: []Dataset{{"wine", "d1", "training"}, {"wine", "d1", ""}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestInventoryOfALoggedModelAndOfABareFile(t *testing.T) {
	no := false
	got := inventoryOf(t, `{
		"mlflow_model": {"run_id": "ab", "utc_time_created": "2026-01-02 03:04:05.678", "signature": null},
		"logged_model": {"info": {"source_run_id": "cd", "_creation_timestamp_ms": "2026-02-03 04:05:06",
			"tags": {"mlflow.user": "bob", "mlflow.note.content": "a note", "mlflow.source.git.commit": "beef", "owner": "lab"}}}}`)
	want := Inventory{Owner: "lab", Description: "a note", Created: "2026-02-03 04:05:06", Run: "cd", RunUser: "bob", GitCommit: "beef", Signature: &no}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = inventoryOf(t, `{"mlflow_model": {"run_id": "ab", "utc_time_created": "2026-01-02 03:04:05.678"}, "model_version": {"current_stage": "None"}}`)
	if d := cmp.Diff(Inventory{Run: "ab", Created: "2026-01-02 03:04:05", Signature: &no}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Inventory{}, inventoryOf(t, `{}`)); d != "" {
		t.Error(d)
	}
}
