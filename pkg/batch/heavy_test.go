package batch_test

import (
	"context"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A heavyStore has runs so large that it answers two at once.
type heavyStore struct {
	*mlflowtest.Memory
	most int // runs asked for at once
}

func (h *heavyStore) Runs(ctx context.Context, ids, in []string) (fetch.Results[string, mlflow.Run], error) {
	h.most = max(h.most, len(ids))
	n := min(len(ids), 2)
	out, err := h.Memory.Runs(ctx, ids[:n], in)
	for _, id := range ids[n:] {
		out[id] = fetch.Result[mlflow.Run]{Err: fetch.TooMuch(id)}
	}
	return out, err
}

func TestObjectsTooLargeToBeReadTogetherAreReadApart(t *testing.T) {
	m := &mlflowtest.Memory{}
	m.AddModel("A", nil, "None", "None", "None", "None", "None")
	b := newBench(t, m)
	h := &heavyStore{Memory: m}
	b.hosts[0].Source = h
	b.wants(b.run(`select: {models: "*", versions: all}`), []string{
		`ok models:/A/1 at "A/1" as ["select models: *, versions: all"]`,
		`ok models:/A/2 at "A/2" as ["select models: *, versions: all"]`,
		`ok models:/A/3 at "A/3" as ["select models: *, versions: all"]`,
		`ok models:/A/4 at "A/4" as ["select models: *, versions: all"]`,
		`ok models:/A/5 at "A/5" as ["select models: *, versions: all"]`,
	})
	if h.most != 5 {
		t.Errorf("at most %d were asked for at once, want all 5 at first", h.most)
	}
}
