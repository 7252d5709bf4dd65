package rest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// familyWorld has n runs of one experiment, each with so many children.
func familyWorld(n, children int) (*mlflowtest.FakeWorld, []mlflow.Run, map[string][]string) {
	w, want := &mlflowtest.FakeWorld{}, map[string][]string{}
	var runs []mlflow.Run
	for i := range n {
		id := mlflowtest.FakeID(i)
		w.Runs = append(w.Runs, mlflowtest.FakeRun{ID: id, Experiment: "1"})
		runs = append(runs, mlflow.Run{Object: mlflowtest.JSON(fmt.Sprintf(`{"info": {"run_id": %q, "experiment_id": "1"}}`, id))})
		want[id] = nil
		for j := range children {
			child := mlflowtest.FakeID(1000 + 1000*i + j)
			w.Runs = append(w.Runs, mlflowtest.FakeRun{ID: child, Experiment: "1", Deleted: j == 1, Tags: map[string]string{mlflow.ParentTag: id}})
			want[id] = append(want[id], child)
		}
		slices.Sort(want[id])
	}
	return w, runs, want
}

func TestChildRunsOfManyRunsCostOneSearchWhenTheyFitOnAPage(t *testing.T) {
	for _, c := range []struct{ runs, children, requests int }{
		{1, 0, 1}, {1, 450, 3}, // three pages
		{60, 3, 1},     // all on a page
		{5, 50, 1 + 5}, // not on a page
	} {
		w, runs, want := familyWorld(c.runs, c.children)
		f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
		r := newReader(t, f, rest.Options{})
		found, err := r.ChildRuns(t.Context(), runs)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for id, res := range found {
			if res.Err != nil {
				t.Error(res.Err)
			}
			got[id] = nil
			for _, child := range res.Value {
				got[id] = append(got[id], child.ID())
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d runs, %d children: %s", c.runs, c.children, d)
		}
		if n := f.Counts()["runs/search"]; n != c.requests || len(f.Requests()) != n {
			t.Errorf("%d runs, %d children: %d requests, want %d", c.runs, c.children, n, c.requests)
		}
	}
}

func TestChildRunsThatCannotBeReadFailTheirParentOnly(t *testing.T) {
	w, runs, _ := familyWorld(3, 1)
	f := mlflowtest.StartFake(t, w, mlflowtest.FakeOptions{})
	f.Fail(mlflowtest.Fault{Endpoint: "runs/search", Status: 403, If: func(r mlflowtest.FakeRequest) bool {
		return strings.Contains(r.Body.Text("filter"), "LIKE") || strings.Contains(r.Body.Text("filter"), runs[1].ID())
	}})
	found, err := newReader(t, f, rest.Options{MaxRetries: -1}).ChildRuns(t.Context(), runs)
	if err != nil {
		t.Fatal(err)
	}
	if err := found[runs[1].ID()].Err; !errors.Is(err, mlflow.ErrDenied) {
		t.Error(err)
	}
	for _, i := range []int{0, 2} {
		if res := found[runs[i].ID()]; res.Err != nil || len(res.Value) != 1 {
			t.Errorf("%v", res)
		}
	}
}
