package batch_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// A bench runs batches over stores that a test writes down, into one tree.
type bench struct {
	*testing.T
	dir   string
	hosts []batch.Host
	said  []string // by events: what the stores said
}

func newBench(t *testing.T, m *mlflowtest.Memory) *bench {
	t.Helper()
	return &bench{T: t, dir: filepath.Join(t.TempDir(), "out"), hosts: []batch.Host{{Name: "prod", Tracking: "http://mlflow.corp", Source: m, Artifacts: m}}}
}

func world() *mlflowtest.Memory {
	m := &mlflowtest.Memory{}
	m.AddModel("A", map[string]int{"champion": 2}, "Archived", "Production")
	m.AddModel("B", nil, "None")
	return m
}

func (b *bench) entries(uris ...string) []manifest.Entry {
	b.Helper()
	m, err := manifest.Parse([]byte("version: 1\nmodels:\n- "+strings.Join(uris, "\n- ")+"\n"), manifest.Options{File: "m.yaml"})
	if err != nil {
		b.Fatal(err)
	}
	for i := range m.Entries {
		m.Entries[i].Host = "prod"
	}
	return m.Entries
}

// run runs a batch and commits it; the rows of the index are the result.
func (b *bench) run(uris ...string) []string {
	b.Helper()
	ctx := context.Background()
	tree, err := sink.Open(ctx, sink.Options{Dir: b.dir, Now: time.Now, NoSync: true, Same: report.SameButTimestamp})
	if err != nil {
		b.Fatal(err)
	}
	defer tree.Close()
	var mu sync.Mutex
	b.said = nil
	r, err := batch.Run(ctx, batch.Options{
		Entries: b.entries(uris...), Hosts: b.hosts, DefaultHost: "prod", Tree: tree, Timestamp: time.Unix(1700000000, 0),
		Done: func(e batch.Event) {
			mu.Lock()
			defer mu.Unlock()
			for _, p := range e.Problems {
				b.said = append(b.said, p.Error())
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := tree.Commit(r.Index(), sink.Run{}); err != nil {
		b.Fatal(err)
	}
	return b.rows()
}

// rows are those of the index in short.
func (b *bench) rows() (list []string) {
	b.Helper()
	data := b.reads("index.json")
	index, err := report.ReadIndex(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		b.Fatal(err)
	}
	for row, err := range index.All() {
		if err != nil {
			b.Fatal(err)
		}
		text := fmt.Sprintf("%s %s at %q as %q", row.Status, row.URI, row.Place, row.URIs)
		for _, i := range row.Issues {
			text += " " + string(i.Code)
		}
		list = append(list, text)
	}
	return list
}

func (b *bench) reads(name string) []byte {
	b.Helper()
	data, err := fs.ReadFile(os.DirFS(b.dir), name)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func (b *bench) wants(got, want []string) {
	b.Helper()
	if d := cmp.Diff(want, got); d != "" {
		b.Errorf("(-want +got):\n%s", d)
	}
}

func TestEntriesThatMeanOneObjectShareAReportAndARow(t *testing.T) {
	b := newBench(t, world())
	b.wants(b.run("models:/A/2", "models:/A@champion", "models:/A/2", "{uri: models:/A/Production, name: prod-a}", "models:/B/latest"), []string{
		`ok models:/A/2 at "prod-a" as ["models:/A/2" "models:/A@champion" "models:/A/Production"]`,
		`ok models:/B/1 at "B/1" as ["models:/B/latest"]`,
	})
}

func TestWhatFailsLeavesTheRestAlone(t *testing.T) {
	m := world()
	m.Fail = func(kind, key string) error {
		if kind == "Runs" && key == "a-1" {
			return fmt.Errorf("run a-1: %w", mlflow.ErrDenied)
		}
		return nil
	}
	b := newBench(t, m)
	b.wants(b.run("models:/nothing/1", "models:/A/1", `select: {models: "B*", versions: all}`, "models:/A/3"), []string{
		`failed models:/nothing/1 at "" as ["models:/nothing/1"] model-not-found`,
		`partial models:/A/1 at "A/1" as ["models:/A/1"] denied denied`, // the run, and with it the experiment
		`ok models:/B/1 at "B/1" as ["select models: B*, versions: all"]`,
		`failed models:/A/3 at "" as ["models:/A/3"] version-not-found`,
	})
}

// A mistake of the program that data brings to light costs what met it.
func TestAPanicCostsItsOwnReportOnly(t *testing.T) {
	for _, c := range []struct {
		kind, key, said string
		want            []string
	}{
		{"ReadFile", "mlflow-artifacts:/1/a-1/artifacts/model/MLmodel",
			"mlreport made a mistake with the files of models:/A/1, please report it: a slip",
			[]string{`failed models:/A/1 at "" as ["models:/A/1"] unavailable`, `ok models:/B/1 at "B/1" as ["models:/B/1"]`}},
		{"Runs", "a-1",
			"mlreport made a mistake with models:/A/1, please report it: a slip",
			[]string{`failed models:/A/1 at "" as ["models:/A/1"] unavailable`, `failed models:/B/1 at "" as ["models:/B/1"] unavailable`}},
		{"ListModels", "",
			"mlreport made a mistake when it looked for the models of host prod, please report it: a slip",
			[]string{`failed models:/A/1 at "" as ["models:/A/1"] unavailable`, `failed select models: *, versions: all at "" as ["select models: *, versions: all"] unavailable`}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			m := world()
			m.Fail = func(kind, key string) error {
				if kind == c.kind && key == c.key {
					panic("a slip")
				}
				return nil
			}
			b := newBench(t, m)
			second := "models:/B/1"
			if c.kind == "ListModels" {
				second = `select: {models: "*", versions: all}`
			}
			b.wants(b.run("models:/A/1", second), c.want)
			if len(b.said) == 0 || b.said[0] != c.said {
				t.Errorf("said %q, want %q", b.said, c.said)
			}
		})
	}
}

func TestAHostThatCannotBeOpenedFailsItsOwnEntries(t *testing.T) {
	b := newBench(t, world())
	b.hosts = []batch.Host{{Name: "prod", Tracking: "x", Err: fmt.Errorf("there is no store at x: %w", mlflow.ErrNotFound)}}
	b.wants(b.run("models:/A/1", `{select: {models: "*", versions: all}, allow-empty: true}`), []string{
		`failed models:/A/1 at "" as ["models:/A/1"] unavailable`,
		`failed select models: *, versions: all at "" as ["select models: *, versions: all"] unavailable`,
	})
	b.wants(b.said, []string{"there is no store at x: not found", "there is no store at x: not found"})
}

func TestWhatFailsTodayKeepsItsReportOfYesterday(t *testing.T) {
	m := world()
	b := newBench(t, m)
	entries := []string{"models:/A@champion", `select: {models: "*", versions: latest}`}
	b.run(entries...)
	before := b.reads("model_reports/A/2/report.json")
	b.hosts[0].Err = mlflow.ErrUnavailable
	b.wants(b.run(entries...), []string{
		`stale models:/A/2 at "A/2" as ["models:/A@champion"] unavailable`,
		`stale models:/B/1 at "B/1" as ["select models: *, versions: latest"] unavailable`,
	})
	if !bytes.Equal(before, b.reads("model_reports/A/2/report.json")) {
		t.Error("the report changed")
	}

	// A damaged index costs what it knew, not the batch.
	if err := os.WriteFile(filepath.Join(b.dir, "index.json"), []byte(`{"format": "mlreport-index/1", "entries": [{"sta`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.wants(b.run(entries...), []string{
		`failed models:/A@champion at "" as ["models:/A@champion"] unavailable`,
		`failed select models: *, versions: latest at "" as ["select models: *, versions: latest"] unavailable`,
	})
	b.hosts[0].Err = nil
	b.wants(b.run(entries...), []string{
		`ok models:/A/2 at "A/2" as ["models:/A@champion" "select models: *, versions: latest"]`,
		`ok models:/B/1 at "B/1" as ["select models: *, versions: latest"]`,
	})
	if !bytes.Equal(before, b.reads("model_reports/A/2/report.json")) {
		t.Error("the report changed")
	}
}

// A section that cannot be read this time does not replace a report that has it.
func TestASectionThatCannotBeReadTodayDoesNotReplaceAReport(t *testing.T) {
	m := world()
	b := newBench(t, m)
	b.run("models:/A/2")
	before := b.reads("model_reports/A/2/report.json")
	m.Fail = func(kind, _ string) error {
		if kind == "Experiments" {
			return mlflow.ErrUnavailable
		}
		return nil
	}
	b.wants(b.run("models:/A/2"), []string{`stale models:/A/2 at "A/2" as ["models:/A/2"] unavailable`})
	if !bytes.Equal(before, b.reads("model_reports/A/2/report.json")) {
		t.Error("the report changed")
	}
	m.Fail = func(kind, _ string) error { // gone for good, it is left out, and the index says so
		if kind == "Experiments" {
			return mlflow.ErrNotFound
		}
		return nil
	}
	b.wants(b.run("models:/A/2"), []string{`partial models:/A/2 at "A/2" as ["models:/A/2"] experiment-not-found`})
	if !bytes.Contains(b.reads("index.json"), []byte(`"lost":["experiment"]`)) {
		t.Error("the index does not say that the experiment was lost")
	}
}

func TestACancelledBatchRecordsNothing(t *testing.T) {
	m := world()
	ctx, cancel := context.WithCancel(context.Background())
	m.Fail = func(kind, _ string) error {
		if kind == "Runs" {
			cancel()
		}
		return nil
	}
	b := newBench(t, m)
	tree, err := sink.Open(ctx, sink.Options{Dir: b.dir, Now: time.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	r, err := batch.Run(ctx, batch.Options{Entries: b.entries("models:/A/1"), Hosts: b.hosts, DefaultHost: "prod", Tree: tree})
	if err == nil || len(r.Statuses) != 0 {
		t.Errorf("%v, %v", err, r.Statuses)
	}
}

func TestTheOwnerIsThatOfTheEntryElseOfATagElseTheDefault(t *testing.T) {
	m := world()
	m.RegisteredModels[1].Set("tags", []any{mlflow.NewObject(mlflow.Member{Key: "key", Value: "owner"}, mlflow.Member{Key: "value", Value: "tagged"})})
	b := newBench(t, m)
	b.run("{uri: models:/A/1, owner: entry}", "{uri: models:/B/1}", "{uri: models:/nothing/1, owner: entry}")
	owners := func() (list []string) {
		for line := range strings.Lines(string(b.reads("index.json"))) {
			if _, rest, ok := strings.Cut(line, `"owner":"`); ok {
				owner, _, _ := strings.Cut(rest, `"`)
				list = append(list, owner)
			}
		}
		return list
	}
	b.wants(owners(), []string{"entry", "tagged", "entry"})

	b.hosts[0].Err = mlflow.ErrUnavailable // the old reports still say whose they are
	b.run("{uri: models:/A/1}", "{uri: models:/B/1, owner: new}")
	b.wants(owners(), []string{"new"})
	b.hosts[0].Err = nil
	b.run("{uri: models:/B/1}")
	b.wants(owners(), []string{"tagged"})
}
