package fetch

import (
	"context"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Genealogist is a Reader that can tell the child runs of runs.
type Genealogist interface {
	// ChildRuns reads, for runs that this Reader has shown, the runs of their
	// experiments whose tag `mlflow.parentRunId` names them, deleted ones too, by
	// id. Of a child only `info` is promised.
	ChildRuns(ctx context.Context, parents []mlflow.Run) (Results[string, []mlflow.Run], error)
}

// ChildRuns asks a Reader that may be a Genealogist; one that is none answers
// ErrUnsupported.
func ChildRuns(ctx context.Context, r Reader, parents []mlflow.Run) (Results[string, []mlflow.Run], error) {
	if g, ok := r.(Genealogist); ok {
		return g.ChildRuns(ctx, parents)
	}
	out := make(Results[string, []mlflow.Run], len(parents))
	for _, run := range parents {
		out[run.ID()] = Result[[]mlflow.Run]{Err: mlflow.Reason(mlflow.ErrUnsupported, "this kind of store cannot be asked for child runs")}
	}
	return out, ctx.Err()
}

// readFamilies reads the parents and children of the runs that are known by
// now, for the items whose lineage is asked for.
func (c *chunk) readFamilies(ctx context.Context) error {
	var items []*item
	parents, in := map[string]bool{}, map[string]bool{}
	for it := range c.live {
		if it.b.Family == nil || it.b.Run.Object == nil || it.familyDone {
			continue
		}
		it.familyDone = true
		items = append(items, it)
		parents[it.b.Run.ParentID()] = true
		in[it.b.Run.ExperimentID()] = true
	}
	if len(items) == 0 {
		return nil
	}
	err := ask(ctx, c.runs, sorted(parents), func(ctx context.Context, ids []string) (Results[string, mlflow.Run], error) {
		return c.reader.Runs(ctx, ids, sorted(in))
	})
	if err != nil {
		return err
	}
	children, err := ChildRuns(ctx, c.reader, runsOf(items))
	if err != nil {
		return err
	}
	for _, it := range items {
		c.takeFamily(it, children)
	}
	return nil
}

func (c *chunk) takeFamily(it *item, children Results[string, []mlflow.Run]) {
	const section = "lineage"
	lack := func(id, what string, err error) {
		it.lack(IssueOf(section, err, mlflow.NewIssue(section, mlflow.RunNotFound, id), what), err)
	}
	if id := it.b.Run.ParentID(); id != "" {
		r := c.runs[id]
		it.b.Family.Parent = r.Value
		if r.Err != nil {
			lack(id, "run "+id, r.Err)
		}
	}
	id := it.b.Run.ID()
	r, answered := children[id]
	if !answered {
		r.Err = mlflow.Reason(mlflow.ErrUnavailable, "the child runs of run %s were not answered", id)
	}
	it.b.Family.Children = r.Value
	if r.Err != nil {
		lack(id, "the child runs of run "+id, r.Err)
	}
}
