package mlflowtest

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

var update = flag.Bool("update", false, "write the table of docs/doors.md anew")

// twoDoors are two equal stores.
func twoDoors() (server, store *Memory, keys Keys) {
	fill := func() *Memory {
		m := &Memory{}
		m.AddModel("deleted_a", map[string]int{"live": 2}, "None", "Production")
		m.AddModel("wine", map[string]int{"champion": 1, "best": 1}, "None")
		m.AllLoggedModels = []mlflow.LoggedModel{{Object: JSON(`{"info": {"model_id": "m-1"}, "data": {"metrics": [{"key": "a", "value": 1.0, "run_id": "r"}, {"key": "a", "value": 2.0, "run_id": "q"}]}}`)}}
		m.AllExperiments[0].Set("tags", JSON(`{"l": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}`).List("l"))
		return m
	}
	return fill(), fill(), Keys{Runs: []string{"wine-1"}, Experiments: []string{"1"}, LoggedModels: []string{"m-1"}}
}

// check returns what is wrong, as one text.
func check(server, store fetch.Source, keys Keys) string {
	var c Conformance
	return strings.Join(c.Check(context.Background(), Pair{Keys: keys, Where: "here", Server: server, Store: store}), "\n")
}

func TestEqualDoorsConform(t *testing.T) {
	server, store, keys := twoDoors()
	slices.Reverse(store.AllExperiments[0].List("tags"))
	slices.Reverse(store.RegisteredModels[1].List("aliases"))
	slices.Reverse(store.AllLoggedModels[0].Data().List("metrics"))
	if wrong := check(server, store, keys); wrong != "" {
		t.Error(wrong)
	}
}

func TestTheKitSeesWhatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *Memory)
		want   string
	}{
		"value":            {func(m *Memory) { m.AllExperiments[0].Set("name", "other") }, `experiment 1: name: the server shows "training", the store "other"`},
		"type":             {func(m *Memory) { m.AllRuns[2].Info().Set("start_time", "1700000000000") }, `run wine-1: info.start_time: the server shows 1700000000000, the store "1700000000000"`},
		"missing member":   {func(m *Memory) { m.AllRuns[2].Info().Delete("status") }, `run wine-1: info.status: the server shows "FINISHED", the store nothing`},
		"member too many":  {func(m *Memory) { m.AllRuns[2].Set("outputs", JSON(`{}`)) }, `run wine-1: outputs: the server shows nothing, the store {}`},
		"order of members": {func(m *Memory) { e := m.AllExperiments[0]; e.Delete("name"); e.Set("name", "training") }, `experiment 1: order of members: `},
		"item of a list":   {func(m *Memory) { m.AllExperiments[0].Set("tags", m.AllExperiments[0].List("tags")[:1]) }, `experiment 1: tags[b]: the server shows {"key":"b","value":"2"}, the store nothing`},
		"item twice":       {func(m *Memory) { m.AllExperiments[0].Set("tags", slices.Repeat(m.AllExperiments[0].List("tags"), 2)) }, `tags[a]: the server shows nothing, the store`},
		"digits": {func(m *Memory) {
			m.AllLoggedModels[0].Data().List("metrics")[0].(*mlflow.Object).Set("value", mlflow.Number("1"))
		},
			`logged model m-1: data.metrics[a].value: the server shows 1.0, the store 1`},
		"missing object": {func(m *Memory) { m.AllRuns = m.AllRuns[:2] }, `run wine-1: error: the server shows an answer, the store not found`},
		"object too many": {func(m *Memory) { m.AddModel("nowhere", nil, "None") },
			`registered model nowhere: error: the server shows not found, the store an answer`},
		"kind of error": {func(m *Memory) {
			m.Fail = func(kind, key string) error {
				if kind == "LoggedModels" {
					return mlflow.ErrUnsupported
				}
				return nil
			}
		}, `logged model m-1: error: the server shows an answer, the store unsupported`},
		"batch": {func(m *Memory) {
			n := 0
			m.Fail = func(kind, key string) error {
				if kind != "Experiments" || key != "1" {
					return nil
				}
				if n++; n < 3 { // its name, and alone
					return nil
				}
				return mlflow.ErrUnavailable
			}
		}, `the store: experiment 1, asked with all others: an answer becomes unavailable`},
		"place of files": {func(m *Memory) { m.ModelVersions[2].DownloadURI = "s3://other" }, `models:/wine/1: download URI: the server shows mlflow-artifacts:/1/wine-1/artifacts/model, the store s3://other`},
		"order of a listing": {func(m *Memory) { slices.Reverse(m.RegisteredModels) },
			`listing of registered models all: rows: the server shows [deleted_a wine], the store [wine deleted_a]`},
		"row twice": {func(m *Memory) { m.RegisteredModels = append(m.RegisteredModels, m.RegisteredModels[1]) }, `wine is listed twice`},
		"listing that fails": {func(m *Memory) {
			m.Fail = func(kind, _ string) error {
				if kind == "ListVersions" {
					return mlflow.ErrDenied
				}
				return nil
			}
		}, `listing of model versions all: rows: the server shows [models:/deleted_a/1 models:/deleted_a/2 models:/wine/1], the store [error: denied]`},
	} {
		t.Run(name, func(t *testing.T) {
			server, store, keys := twoDoors()
			c.change(store)
			if wrong := check(server, store, keys); !strings.Contains(wrong, c.want) {
				t.Errorf("%s\nwant: %s", wrong, c.want)
			}
		})
	}
}

// lister shows less in a listing than by key.
type lister struct{ *Memory }

func (l lister) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		for m := range l.Memory.ListModels(ctx, q) {
			if !yield(mlflow.RegisteredModel{Object: JSON(fmt.Sprintf(`{"name": %q}`, m.Name()))}, nil) {
				return
			}
		}
	}
}

func TestRowsOfAListingMustBeWhole(t *testing.T) {
	server, store, keys := twoDoors()
	const want = `the store: listing of registered models all: registered models wine, listed: aliases: `
	if wrong := check(server, lister{store}, keys); !strings.Contains(wrong, want) {
		t.Errorf("%s\nwant: %s", wrong, want)
	}
}

func TestPermittedDifferencesMustOccur(t *testing.T) {
	var c Conformance
	all := Differences()
	if unmet := c.Unmet(); !slices.Equal(unmet, all) {
		t.Errorf("before anything was compared, %d of %d differences were not met", len(unmet), len(all))
	}
	d := all[slices.IndexFunc(all, func(d Difference) bool { return d.Kind == "run" && d.Field == "data.metrics.step" })]
	const where = "MLflow 3.17.2, folder"
	shows := func(step string) *mlflow.Object {
		return JSON(`{"run": {"data": {"metrics": [{"key": "a", "step": ` + step + `}]}}}`)
	}
	if wrong := c.Documents(where, "a report", shows(d.Server), shows(d.Store)); len(wrong) > 0 {
		t.Error("a permitted difference is reported:", wrong)
	}
	if len(c.Unmet()) != len(all)-1 || slices.Contains(c.Unmet(), d) {
		t.Error("a difference that was met is not noted")
	}
	for _, wrong := range [][]string{c.Documents("elsewhere", "", shows(d.Server), shows(d.Store)), c.Documents(where, "", shows(d.Server), shows("7"))} {
		if len(wrong) != 1 {
			t.Error("another difference than the table's is permitted")
		}
	}
}

func TestDocsShowTheTableOfDifferences(t *testing.T) {
	const begin, end = "<!-- table of differences: begin -->\n", "<!-- table of differences: end -->\n"
	name := filepath.Join(Root(t), "docs", "doors.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/doors.md has lost its marks")
	}
	want := head + begin + DifferencesTable() + end + tail
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Error("docs/doors.md has another table than the kit; `make golden` writes it anew")
	}
}
