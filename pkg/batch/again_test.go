package batch_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// again runs batches one after the other into one tree, and counts which
// reports were made.
type again struct {
	*bench
	*mlflowtest.Memory
	made    []string // places of the reports that the last batch made
	options batch.Options
	writer  string
	day     int64
}

func newAgain(t *testing.T) *again {
	m := world()
	return &again{bench: newBench(t, m), Memory: m, writer: "v1"}
}

// counting is a tree that notes which reports were made.
type counting struct {
	*sink.Tree
	a *again
}

func (c counting) WriteReport(r sink.Report) (sink.Written, error) {
	c.a.made = append(c.a.made, r.Place)
	return c.Tree.WriteReport(r)
}

func (a *again) open() *sink.Tree {
	a.Helper()
	tree, err := sink.Open(context.Background(), sink.Options{Dir: a.dir, Now: time.Now, NoSync: true, Same: report.SameButTimestamp, Writer: a.writer})
	if err != nil {
		a.Fatal(err)
	}
	return tree
}

// batch runs one batch, a day after the last, and gives the rows in short.
func (a *again) batch(uris ...string) []string {
	a.Helper()
	tree := a.open()
	defer tree.Close()
	a.made = nil
	a.day++
	o := a.options
	o.Entries, o.Hosts, o.DefaultHost, o.Tree, o.Timestamp = a.entries(uris...), a.hosts, "prod", counting{tree, a}, time.Unix(1700000000+a.day*86400, 0)
	r, err := batch.Run(context.Background(), o)
	if err != nil {
		a.Fatal(err)
	}
	if err := tree.Commit(r.Index(), sink.Run{Timestamp: o.Timestamp}); err != nil {
		a.Fatal(err)
	}
	return a.rows()
}

func (a *again) makes(want ...string) {
	a.Helper()
	a.wants(a.made, want)
}

const everything = `select: {models: "*", versions: all}`

func TestWhatIsAsItWasIsNeitherReadNorMadeAgain(t *testing.T) {
	a := newAgain(t)
	first := a.batch(everything)
	a.makes("A/1", "A/2", "B/1")
	index, read := a.reads("index.json"), a.Calls("ReadFile changed")
	a.wants(a.batch(everything), first)
	a.makes()
	if !bytes.Equal(index, a.reads("index.json")) {
		t.Error("the index changed")
	}
	if n := a.Calls("ReadFile changed"); n != read {
		t.Errorf("%d files were read again", n-read)
	}

	// An alias moves no timestamp, but it is seen.
	a.RegisteredModels[0] = mlflow.RegisteredModel{Object: a.RegisteredModels[0].With("aliases", []any{mlflowtest.JSON(`{"alias": "champion", "version": "1"}`)})}
	a.batch(everything)
	a.makes("A/1", "A/2")
	if !bytes.Contains(a.reads("model_reports/A/1/report.json"), []byte(`"champion"`)) {
		t.Error("the report does not show the alias")
	}
	if n := a.Calls("ReadFile changed"); n != read {
		t.Errorf("%d files were read again, though only an alias moved", n-read)
	}

	a.AddFile("mlflow-artifacts:/1/b-1/artifacts/model/MLmodel", "flavors: {}\nrun_id: b-1\n")
	a.batch(everything)
	a.makes("B/1")
	a.options.Fresh = true
	a.batch(everything)
	a.makes("A/1", "A/2", "B/1")
	a.options.Fresh = false
	a.writer = "v2" // which may make them otherwise
	a.batch(everything)
	a.makes("A/1", "A/2", "B/1")
	a.batch(everything)
	a.makes()
}

func TestAReportThatIsNotThereAsItWasIsMadeAgain(t *testing.T) {
	for name, damage := range map[string]func(a *again) error{
		"removed":    func(a *again) error { return os.Remove(filepath.Join(a.dir, "model_reports/A/1/report.json")) },
		"cut short":  func(a *again) error { return os.Truncate(filepath.Join(a.dir, "model_reports/A/1/report.json"), 100) },
		"no MLmodel": func(a *again) error { return os.Remove(filepath.Join(a.dir, "model_reports/A/1/MLmodel")) },
		"notes lost": func(a *again) error { return os.WriteFile(filepath.Join(a.dir, ".mlreport.notes"), []byte("x"), 0o600) },
		"same length": func(a *again) error { // which shows by the file's time
			name := filepath.Join(a.dir, "model_reports/A/1/report.json")
			data, err := os.ReadFile(name)
			return errors.Join(err, os.WriteFile(name, bytes.Replace(data, []byte("FINISHED"), []byte("DESTROYS"), 1), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgain(t)
			a.batch(everything)
			want := a.reads("model_reports/A/1/report.json")
			if err := damage(a); err != nil {
				t.Fatal(err)
			}
			a.batch(everything)
			if len(a.made) == 0 {
				t.Error("no report was made")
			}
			got := bytes.Replace(a.reads("model_reports/A/1/report.json"), []byte("2023-11-16"), []byte("2023-11-15"), 1)
			if !bytes.Equal(want, got) {
				t.Errorf("the report is now:\n%s", got)
			}
			a.reads("model_reports/A/1/MLmodel")
		})
	}
}

// A batch that did not come to its end left reports of which the index says
// nothing; the next one sees that also when all is as the index says again.
func TestReportsOfABatchThatWasKilledAreNotTakenForThoseOfTheIndex(t *testing.T) {
	a := newAgain(t)
	a.batch(everything)
	want := a.reads("model_reports/B/1/report.json")
	was := a.AllRuns[2]
	a.AllRuns[2] = mlflow.Run{Object: mlflowtest.JSON(strings.Replace(string(mlflow.JSON{}.Append(nil, was.Object)), "FINISHED", "STARTING", 1))}
	tree := a.open()
	if _, err := batch.Run(t.Context(), batch.Options{Entries: a.entries(everything), Hosts: a.hosts, DefaultHost: "prod", Tree: tree, Timestamp: time.Unix(1700086400, 0)}); err != nil {
		t.Fatal(err)
	}
	tree.Close()
	old := time.Unix(1600000000, 0) // clocks go wrong
	if err := os.Chtimes(filepath.Join(a.dir, "model_reports/B/1/report.json"), old, old); err != nil {
		t.Fatal(err)
	}
	a.AllRuns[2] = was
	a.day = 0
	a.batch(everything)
	if !bytes.Equal(want, a.reads("model_reports/B/1/report.json")) {
		t.Error("the report is that of the batch that was killed")
	}
	a.makes("B/1")
}

func TestListingsOfFinishedModelsAreNotMadeAgain(t *testing.T) {
	a := newAgain(t)
	all := `{select: {models: "*", versions: all}, artifact-max-level: all}`
	a.batch(all)
	listed := a.Calls("List")
	a.AllRuns[2] = mlflow.Run{Object: mlflowtest.JSON(strings.Replace(string(mlflow.JSON{}.Append(nil, a.AllRuns[2].Object)), "FINISHED", "RUNNING", 1))}
	a.batch(all) // B/1 has changed
	a.batch(all) // its run has not ended
	a.makes()
	if n := a.Calls("List"); n != listed+2 {
		t.Errorf("%d listings in the second and the third batch, want 2", n-listed)
	}
}

func TestWhatIsGoneOrAskedForNoMoreKeepsItsReport(t *testing.T) {
	a := newAgain(t)
	a.batch(everything, "models:/A/1", "models:/B/1")
	report := a.reads("model_reports/A/2/report.json")
	a.ModelVersions = append([]fetch.Version{}, a.ModelVersions[0], a.ModelVersions[2]) // A/2 was deleted
	want := []string{
		`ok models:/A/1 at "A/1" as ["select models: *, versions: all" "models:/A/1"]`,
		`gone models:/A/2 at "A/2" as ["select models: *, versions: all"] version-not-found`,
		`ok models:/B/1 at "B/1" as ["select models: *, versions: all" "models:/B/1"]`,
	}
	a.wants(a.batch(everything, "models:/A/1", "models:/B/1"), want)
	a.wants(a.batch(everything, "models:/A/1", "models:/B/1"), want)
	if !bytes.Equal(report, a.reads("model_reports/A/2/report.json")) {
		t.Error("its report changed")
	}
	if !bytes.Contains(a.reads("index.json"), []byte(`"last_seen":"2023-11-15 22:13:20"`)) { // of the first batch
		t.Errorf("the index does not say when it was seen last: %s", a.reads("index.json"))
	}
	a.wants(a.batch("models:/A/1"), []string{
		`ok models:/A/1 at "A/1" as ["models:/A/1"]`,
		`gone models:/A/2 at "A/2" as ["select models: *, versions: all"] version-not-found`,
		`dropped models:/B/1 at "B/1" as ["select models: *, versions: all" "models:/B/1"]`,
	})
	a.wants(a.batch(everything), []string{
		`ok models:/A/1 at "A/1" as ["select models: *, versions: all"]`,
		`gone models:/A/2 at "A/2" as ["select models: *, versions: all"] version-not-found`,
		`ok models:/B/1 at "B/1" as ["select models: *, versions: all"]`,
	})
	a.makes()
}

// Of an entry that names it, a model that is gone is a failure.
func TestAnEntryWhoseModelIsGoneFails(t *testing.T) {
	a := newAgain(t)
	a.batch("models:/A/1", "models:/B/latest")
	a.ModelVersions = a.ModelVersions[:2]
	a.RegisteredModels = a.RegisteredModels[:1]
	a.wants(a.batch("models:/A/1", "models:/B/latest"), []string{
		`ok models:/A/1 at "A/1" as ["models:/A/1"]`,
		`gone models:/B/1 at "B/1" as ["models:/B/latest"] model-not-found`,
	})
}

func TestAnAliasThatMovedDropsWhatItMeant(t *testing.T) {
	a := newAgain(t)
	a.batch("models:/A@champion")
	a.RegisteredModels[0] = mlflow.RegisteredModel{Object: a.RegisteredModels[0].With("aliases", []any{mlflowtest.JSON(`{"alias": "champion", "version": "1"}`)})}
	a.wants(a.batch("models:/A@champion"), []string{
		`ok models:/A/1 at "A/1" as ["models:/A@champion"]`,
		`dropped models:/A/2 at "A/2" as ["models:/A@champion"]`,
	})
}

func TestWhatABatchLeavesOutKeepsItsRow(t *testing.T) {
	a := newAgain(t)
	entries := []string{"models:/A@champion", everything, "models:/nothing/1"}
	first := a.batch(entries...)
	index := a.reads("index.json")
	for name, o := range map[string]batch.Options{
		"one entry":  {Chosen: func(i int) bool { return i == 0 }},
		"another":    {Chosen: func(i int) bool { return i == 2 }},
		"a selector": {Chosen: func(i int) bool { return i == 1 }},
		"by date":    {Since: time.Now()},
		"retry":      {Chosen: func(i int) bool { return i > 0 }, Retry: true},
	} {
		t.Run(name, func(t *testing.T) {
			a.bench.T = t
			a.options = o
			a.wants(a.batch(entries...), first)
			a.makes()
			if !bytes.Equal(index, a.reads("index.json")) {
				t.Errorf("the index changed:\n%s", a.reads("index.json"))
			}
		})
	}
}

func TestRetryReadsOnlyWhatFailed(t *testing.T) {
	a := newAgain(t)
	a.Fail = func(kind, key string) error {
		if kind == "Runs" && key == "a-2" {
			return mlflow.ErrUnavailable
		}
		return nil
	}
	a.batch(everything)
	a.Fail = nil
	a.options.Retry = true
	runs := a.Asked("Runs")
	a.wants(a.batch(everything), []string{
		`ok models:/A/1 at "A/1" as ["select models: *, versions: all"]`,
		`ok models:/A/2 at "A/2" as ["select models: *, versions: all"]`,
		`ok models:/B/1 at "B/1" as ["select models: *, versions: all"]`,
	})
	a.makes("A/2")
	if n := a.Asked("Runs") - runs; n != 1 {
		t.Errorf("asked for %d runs, want 1", n)
	}
}
