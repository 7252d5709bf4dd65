package rest_test

import (
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// MLflow answers a search with 500 when a single row is damaged, such as a
// folder store's metric file with a blank line.
func TestADamagedRunFailsAlone(t *testing.T) {
	w := mlflowtest.BulkFakeWorld(5, 4, true)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	damaged := w.Runs[0].ID // among those that are asked for first
	f.Fail(mlflowtest.Fault{Status: 500, If: func(r mlflowtest.FakeRequest) bool {
		asked := string(mlflow.JSON{}.Append([]byte(r.Query.Encode()), r.Body))
		return strings.HasPrefix(r.Endpoint, "runs/") && strings.Contains(asked, damaged)
	}})
	var ids []string
	for _, run := range w.Runs {
		ids = append(ids, run.ID)
	}
	for id, r := range read(t, ids, in(newReader(t, f, rest.Options{}).Runs, w.Experiments[0].ID)) {
		want := "an answer"
		if id == damaged {
			want = "unavailable"
		}
		got := "an answer"
		if r.Err != nil {
			got = kind(r.Err)
		}
		if got != want {
			t.Errorf("run %s: %s, want %s (%v)", id, got, want, r.Err)
		}
	}
}

func TestABrokenServerIsNotAskedForEachObject(t *testing.T) {
	w := mlflowtest.BulkFakeWorld(50, 4, true)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	f.Fail(mlflowtest.Fault{Status: 500})
	var ids []string
	for _, run := range w.Runs {
		ids = append(ids, run.ID)
	}
	for id, r := range read(t, ids, in(newReader(t, f, rest.Options{}).Runs, w.Experiments[0].ID)) {
		if kind(r.Err) != "unavailable" {
			t.Errorf("run %s: %v", id, r.Err)
		}
	}
	if n := f.Count("runs/get"); n > 3 {
		t.Errorf("%d runs were asked for one by one", n)
	}
}
