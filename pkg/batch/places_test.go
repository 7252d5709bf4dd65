package batch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// paths is a tree that notes where things would be written.
type paths struct {
	mu  sync.Mutex
	all []string
}

func (p *paths) WriteReport(r sink.Report) (sink.Written, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, r.Place)
	for _, o := range r.Objects {
		p.all = append(p.all, o.Path)
	}
	return sink.Written{Change: sink.New}, nil
}

func (p *paths) Stage(string, string, []byte) (sink.StagedFile, error) {
	return sink.StagedFile{}, nil
}
func (p *paths) Unstage(string, []sink.StagedFile)       {}
func (p *paths) Keep(string) (sink.Written, bool, error) { return sink.Written{}, false, nil }
func (p *paths) Previous() (*report.IndexReader, error)  { return nil, nil }
func (p *paths) LastCommit() time.Time                   { return time.Time{} }
func (p *paths) Add(report.Row) error                    { return nil }
func (p *paths) Confirm(report.Row) (bool, error)        { return false, nil }
func (p *paths) ReadModel(string) []byte                 { return nil }
func (p *paths) Note(string) []byte                      { return nil }
func (p *paths) AddNote(string, []byte) error            { return nil }

// written runs a batch and lists where things lie. The gate opens when a
// report of the model called opener is written.
func written(t *testing.T, entries []manifest.Entry, hosts []batch.Host, opener string, gate chan struct{}) []string {
	t.Helper()
	p := &paths{}
	var once sync.Once
	_, err := batch.Run(context.Background(), batch.Options{
		Entries: entries, Hosts: hosts, DefaultHost: "h", Tree: p, Timestamp: time.Unix(0, 0),
		Done: func(e batch.Event) {
			if e.Row.Model == opener {
				once.Do(func() { close(gate) })
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(p.all)
	return slices.Compact(p.all)
}

// waiting makes a store wait for the gate before it answers a question.
func waiting(m *mlflowtest.Memory, question, about string, gate chan struct{}) {
	m.Fail = func(kind, key string) error {
		if kind == question && strings.Contains(key, about) {
			<-gate
		}
		return nil
	}
}

func ref(t *testing.T, uri string) mlflow.Ref {
	t.Helper()
	r, err := mlflow.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlacesDoNotDependOnWhichHostAnswersFirst(t *testing.T) {
	entries := []manifest.Entry{
		{Host: "h", Ref: ref(t, "models:/Wine/1")},
		{Host: "other", Ref: ref(t, "models:/beer/1"), Name: "wine"},
	}
	run := func(late, early string) []string {
		gate := make(chan struct{})
		a, b := &mlflowtest.Memory{}, &mlflowtest.Memory{}
		a.AddModel("Wine", nil, "None")
		b.AddModel("beer", nil, "None")
		waiting(a, "Models", late, gate)
		waiting(b, "Models", late, gate)
		hosts := []batch.Host{{Name: "h", Source: a, Artifacts: a}, {Name: "other", Source: b, Artifacts: b}}
		return written(t, entries, hosts, early, gate)
	}
	if d := cmp.Diff(run("Wine", "beer"), run("beer", "Wine")); d != "" {
		t.Error(d)
	}
}

func TestPlacesOfObjectsDoNotDependOnWhichChunkIsReadFirst(t *testing.T) {
	m := &mlflowtest.Memory{}
	m.AddModel("Twin", nil, "None")
	m.AddModel("between", nil, slices.Repeat([]string{"None"}, 300)...)
	m.AddModel("twin", nil, "None")
	upper := "mlflow-artifacts:/1/upper/artifacts/model"
	m.ModelVersions[0].Set("source", upper)
	m.ModelVersions[0].DownloadURI = upper
	gate := make(chan struct{})
	waiting(m, "ReadFile", upper, gate)
	entries := []manifest.Entry{
		{Host: "h", Ref: ref(t, "models:/Twin/1"), Name: "first", Objects: true},
		{Host: "h", Ref: ref(t, "models:/twin/1"), Name: "last", Objects: true},
	}
	for i := range 300 {
		entries = append(entries, manifest.Entry{Host: "h", Ref: ref(t, fmt.Sprint("models:/between/", i+1))})
	}
	got := written(t, entries, []batch.Host{{Name: "h", Source: m, Artifacts: m}}, "twin", gate)
	if !slices.Contains(got, "model_versions/Twin/1") || slices.Contains(got, "model_versions/twin/1") {
		t.Errorf("the first of the twins has no plain place: %q", got)
	}
}
