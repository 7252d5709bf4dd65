package fetch_test

import (
	"context"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
)

// A location names the logged model or the run, not both: what it does not
// name cannot contradict it.
func TestAFileFoundElsewhereIsTheOneItsPathNames(t *testing.T) {
	const run, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	for _, c := range []struct {
		at, mlmodel string
		shown       bool
	}{
		{"mlflow-artifacts:/1/models/m-1/artifacts", "model_id: m-1\nrun_id: " + run + "\nflavors: {}\n", true},
		{"mlflow-artifacts:/1/models/m-1/artifacts", "run_id: " + run + "\nflavors: {}\n", true},
		{"mlflow-artifacts:/1/models/m-1/artifacts", "model_id: m-2\nflavors: {}\n", false},
		{"mlflow-artifacts:/1/" + run + "/artifacts/model", "model_id: m-1\nrun_id: " + run + "\nflavors: {}\n", true},
		{"mlflow-artifacts:/1/" + run + "/artifacts/model", "run_id: " + other + "\nflavors: {}\n", false},
		{"mlflow-artifacts:/1/" + run + "/artifacts/model", "flavors: {}\n", true},
	} {
		m := &mlflowtest.Memory{}
		m.AddFile(c.at+"/MLmodel", c.mlmodel)
		f := &fetch.Fetcher{Source: m, Artifacts: &owned{Memory: m, owners: map[string][]string{}}}
		out, err := f.Fetch(context.Background(), []fetch.Target{{Ref: uri(t, c.at)}})
		if err != nil {
			t.Fatal(err)
		}
		if shown := out[0].Failed == nil && out[0].Bundle.File.Content != nil; shown != c.shown {
			t.Errorf("%s with %q: shown %v (%v)", c.at, c.mlmodel, shown, out[0].Failed)
		}
	}
}
