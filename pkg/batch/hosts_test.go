package batch_test

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// A silent store answers nothing until somebody lets it go on.
type silent struct {
	*mlflowtest.Memory
	until <-chan struct{}
}

func (s silent) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	<-s.until
	return s.Memory.Models(ctx, names)
}

func (s silent) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	<-s.until
	return s.Memory.ListModels(ctx, q)
}

// The silent host is let go on when the other one is done with everything: if
// one waited for the other, the batch would never end.
func TestAHostThatDoesNotAnswerDelaysNoOther(t *testing.T) {
	goOn := make(chan struct{})
	quick, slow := world(), world()
	hosts := []batch.Host{
		{Name: "slow", Tracking: "http://slow", Source: silent{slow, goOn}, Artifacts: slow},
		{Name: "quick", Tracking: "http://quick", Source: quick, Artifacts: quick},
	}
	m, err := manifest.Parse([]byte("version: 1\nhosts: {slow: {tracking: http://slow}, quick: {tracking: http://quick}}\ndefaults: {host: '*'}\n"+
		"models: [{select: {models: '*', versions: all}}, models:/A@champion]\n"), manifest.Options{File: "m.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := sink.Open(t.Context(), sink.Options{Dir: t.TempDir() + "/out", Now: time.Now, Same: report.SameButTimestamp})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	events := make(chan report.Row, 100)
	var done atomic.Int32
	var places []string
	result, err := batch.Run(t.Context(), batch.Options{Entries: m.Entries, Hosts: hosts, DefaultHost: m.DefaultHost, Tree: tree, Timestamp: time.Unix(0, 0), Done: func(e batch.Event) {
		events <- e.Row
		if done.Add(1) == 3 { // all of the quick one: only it can have got so far
			close(goOn)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	close(events)
	for row := range events {
		places = append(places, row.Host+" "+row.Place)
	}
	if len(places) != 6 || slices.ContainsFunc(places[:3], func(p string) bool { return p[:5] != "quick" }) {
		t.Errorf("the rows come as %q", places)
	}
	for _, s := range result.Index().Selectors {
		if s.Listed != 2 || s.Selected != 3 || s.Written != 3 || s.Failed != 0 {
			t.Errorf("the selection of %s: %+v", s.Host, s)
		}
	}
}
