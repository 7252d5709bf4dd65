package batch_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// stated is a store that tells its state.
type stated struct {
	*mlflowtest.Memory
	state string
}

func (s *stated) State() string { return s.state }

func newStated(t *testing.T) (*again, *stated) {
	a := newAgain(t)
	s := &stated{Memory: a.Memory, state: "1"}
	a.hosts[0].Source = s
	return a, s
}

// runsReadBy counts for how many runs a batch asks.
func (a *again) runsReadBy(uris ...string) int {
	a.Helper()
	before := a.Asked("Runs")
	a.batch(uris...)
	return a.Asked("Runs") - before
}

func TestAStoreInTheSameStateIsNotReadAgain(t *testing.T) {
	a, s := newStated(t)
	first := a.batch(everything)
	index := a.reads("index.json")
	if n := a.runsReadBy(everything); n != 0 {
		t.Errorf("%d runs were read, though nothing can have changed", n)
	}
	a.makes()
	a.wants(a.rows(), first)
	if !slices.Equal(index, a.reads("index.json")) {
		t.Error("the index changed")
	}

	for _, c := range []struct {
		name   string
		change func()
		made   []string
	}{
		{"another question", func() { a.hosts[0].UI = "http://ui.corp" }, []string{"A/1", "A/2", "B/1"}},
		{"a new state", func() {
			s.state = "2"
			a.AllRuns[2] = mlflow.Run{Object: a.AllRuns[2].With("outputs", mlflowtest.JSON(`{"x": "y"}`))}
		}, []string{"B/1"}},
		{"another MLmodel file", func() {
			a.AddFile("mlflow-artifacts:/1/b-1/artifacts/model/MLmodel", "flavors: {}\nrun_id: b-1\n")
		}, []string{"B/1"}},
		{"a report that was removed", func() {
			if err := os.Remove(filepath.Join(a.dir, "model_reports/A/2/report.json")); err != nil {
				t.Fatal(err)
			}
		}, []string{"A/2"}},
		{"--fresh", func() { a.options.Fresh = true }, []string{"A/1", "A/2", "B/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.options.Fresh = false
			c.change()
			if n := a.runsReadBy(everything); n == 0 {
				t.Error("no run was read")
			}
			a.makes(c.made...)
			a.options.Fresh = false
			if n := a.runsReadBy(everything); n != 0 {
				t.Errorf("%d runs were read by the batch after it", n)
			}
		})
	}
}

// What was read while somebody wrote may be of before or of after.
func TestAStateThatChangedWhileItWasReadIsNoState(t *testing.T) {
	a, s := newStated(t)
	run := a.Memory
	a.hosts[0].Source = &changing{stated: s}
	a.batch(everything)
	a.hosts[0].Source = s
	s.state = "1" // as a copy of the database that was put back
	if n := a.runsReadBy(everything); n == 0 {
		t.Errorf("no run was read, though the state changed while %d were", run.Asked("Runs"))
	}
}

// changing is a store to which somebody writes all the time.
type changing struct{ *stated }

func (c *changing) State() string {
	was := c.state
	c.state += "+"
	return was
}

func TestWhatHadIssuesIsReadAgainFromAStoreInTheSameState(t *testing.T) {
	a, _ := newStated(t)
	a.AddFile("mlflow-artifacts:/1/b-1/artifacts/model/MLmodel", "flavors: [\n")
	a.batch(everything)
	if n := a.runsReadBy(everything); n != 1 {
		t.Errorf("%d runs were read, want that of B/1", n)
	}
}
