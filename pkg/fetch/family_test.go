package fetch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// withParent is a run that names a parent.
func withParent(id, parent string) mlflow.Run {
	return mlflow.Run{Object: mlflowtest.JSON(fmt.Sprintf(`{"info": {"run_id": %q, "experiment_id": "1", "lifecycle_stage": "active"},
		"data": {"tags": [{"key": "mlflow.parentRunId", "value": %q}]}}`, id, parent))}
}

func family(t *testing.T, m *mlflowtest.Memory, lineage bool) *mlflow.Bundle {
	t.Helper()
	ref, err := mlflow.ParseRef("models:/A/1")
	if err != nil {
		t.Fatal(err)
	}
	out, err := (&fetch.Fetcher{Source: m, Artifacts: m}).Fetch(context.Background(), []fetch.Target{{Ref: ref, Lineage: lineage}})
	if err != nil || out[0].Bundle == nil {
		t.Fatal(err, out)
	}
	return out[0].Bundle
}

func familyIssues(b *mlflow.Bundle) string {
	var out []string
	for _, i := range b.Issues {
		if i.Section == "lineage" {
			out = append(out, i.String())
		}
	}
	return strings.Join(out, "; ")
}

func TestLineageReadsParentAndChildrenOfTheRun(t *testing.T) {
	m := &mlflowtest.Memory{}
	m.AddModel("A", nil, "None")
	if b := family(t, m, false); b.Family != nil || m.Calls("ChildRuns") != 0 {
		t.Errorf("it was not asked for: %v", b.Family)
	}
	m.AllRuns[0].Object = m.AllRuns[0].With("data", mlflowtest.JSON(`{"tags": [{"key": "mlflow.parentRunId", "value": "p"}]}`))
	m.AllRuns = append(m.AllRuns, withParent("c2", "a-1"), withParent("c1", "a-1"), withParent("other", "x"), withParent("p", ""))
	b := family(t, m, true)
	if f := b.Family; f == nil || f.Parent.ID() != "p" || len(f.Children) != 2 || familyIssues(b) != "" {
		t.Errorf("%v %s", f, familyIssues(b))
	}
	m.AllRuns = m.AllRuns[:len(m.AllRuns)-1]
	if b = family(t, m, true); b.Family.Parent.Object != nil || familyIssues(b) != "run-not-found: there is no run p" {
		t.Error(familyIssues(b))
	}
	m.Fail = func(kind, _ string) error {
		if kind == "ChildRuns" {
			return mlflow.ErrDenied
		}
		return nil
	}
	if b = family(t, m, true); !strings.HasPrefix(familyIssues(b), "denied: ") {
		t.Error(familyIssues(b))
	}
}
