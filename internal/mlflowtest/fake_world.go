package mlflowtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A FakeWorld is what a Fake server holds: plain data, in the order in which
// it was made. Ids and times follow from the position, so that a world written
// down the same way twice is the same world.
type FakeWorld struct {
	Experiments  []FakeExperiment
	Models       []FakeModel
	Runs         []FakeRun
	LoggedModels []FakeLoggedModel // shown by MLflow 3 only

	// Files are the artifacts behind `mlflow-artifacts:/`, by path, such as
	// `1/<run id>/artifacts/model/MLmodel`.
	Files map[string]string
}

// A FakeExperiment is an experiment; its artifacts are in `mlflow-artifacts:/<id>`.
type FakeExperiment struct {
	ID, Name string
	Tags     map[string]string
	Deleted  bool
}

// A FakeModel is a registered model with its versions, by number ascending.
type FakeModel struct {
	Name, Description string
	Tags              map[string]string
	Aliases           map[string]int
	Versions          []FakeVersion
	Prompt            bool
	Forbidden         bool // `get` answers 403, searches leave it out, as MLflow's basic-auth does
}

// A FakeVersion is a model version. Stage "" is `None`, Status "" is `READY`.
type FakeVersion struct {
	Number                                    int
	Stage, Description, Source, RunID, Status string
	Tags                                      map[string]string
	Deleted                                   bool
}

// A FakeRun is a run of an experiment. Status "" is `FINISHED`; one that is
// `RUNNING` has no end.
type FakeRun struct {
	ID, Experiment, Name, Status string
	Params, Tags                 map[string]string
	Metrics                      map[string]string // values as JSON, such as `0.5` or `"NaN"`
	History                      mlflow.History    // of metrics; one that is not here has its one value
	Datasets                     []string
	ModelInputs, ModelOutputs    []string // ids of logged models; MLflow 3
	Deleted                      bool
}

// A FakeLoggedModel is a logged model of MLflow 3.
type FakeLoggedModel struct {
	ID, Experiment, Name, SourceRun string
	Params, Tags                    map[string]string
	Deleted                         bool
}

// FakeID is a run id, and with `m-` before it a logged model's, that looks like
// MLflow's and follows from n.
func FakeID(n int) string { return fmt.Sprintf("%032x", n+0xab12000) }

const fakeEpoch = 1700000000000 // milliseconds; the world's objects begin here, a second apart

// fakeMLmodel is an MLmodel file of a run.
func fakeMLmodel(run string) string {
	return "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n" +
		"model_uuid: " + run + "\nrun_id: " + run + "\nutc_time_created: '2024-05-01 10:11:12.131415'\n"
}

// AddVersion adds a version with a run of experiment 1 and an MLmodel file to
// the model called name, which is made when it is not there. With logged, the
// version stems from a logged model of MLflow 3.
func (w *FakeWorld) AddVersion(name string, logged bool) *FakeVersion {
	n := len(w.Runs)
	run := FakeRun{
		ID: FakeID(n), Experiment: "1", Name: fmt.Sprintf("run-%d", n),
		Params:  map[string]string{"n": fmt.Sprint(n), "max_depth": "None"},
		Metrics: map[string]string{"accuracy": fmt.Sprintf("0.%d", n+1)},
		Tags:    map[string]string{"mlflow.runName": fmt.Sprintf("run-%d", n), "mlflow.user": "tester"},
	}
	folder, source := "1/"+run.ID+"/artifacts/model", ""
	if logged {
		id := "m-" + run.ID
		run.ModelOutputs = []string{id}
		folder, source = "1/models/"+id+"/artifacts", "models:/"+id
		w.LoggedModels = append(w.LoggedModels, FakeLoggedModel{ID: id, Experiment: "1", Name: "model", SourceRun: run.ID, Params: run.Params})
	} else {
		source = "mlflow-artifacts:/" + folder
	}
	w.Runs = append(w.Runs, run)
	if w.Files == nil {
		w.Files = map[string]string{}
	}
	w.Files[folder+"/MLmodel"] = fakeMLmodel(run.ID)
	m := w.Model(name)
	if m == nil {
		w.Models = append(w.Models, FakeModel{Name: name})
		m = w.Model(name)
	}
	m.Versions = append(m.Versions, FakeVersion{Number: len(m.Versions) + 1, Source: source, RunID: run.ID})
	return &m.Versions[len(m.Versions)-1]
}

// Model is the registered model of a name, or nil.
func (w *FakeWorld) Model(name string) *FakeModel {
	for i := range w.Models {
		if w.Models[i].Name == name {
			return &w.Models[i]
		}
	}
	return nil
}

// Run is the run with an id, or nil.
func (w *FakeWorld) Run(id string) *FakeRun {
	for i := range w.Runs {
		if w.Runs[i].ID == id {
			return &w.Runs[i]
		}
	}
	return nil
}

func (w *FakeWorld) experiment(match func(FakeExperiment) bool) *FakeExperiment {
	if i := slices.IndexFunc(w.Experiments, match); i >= 0 {
		return &w.Experiments[i]
	}
	return nil
}

func (w *FakeWorld) logged(id string) *FakeLoggedModel {
	for i := range w.LoggedModels {
		if w.LoggedModels[i].ID == id && !w.LoggedModels[i].Deleted {
			return &w.LoggedModels[i]
		}
	}
	return nil
}

func (m *FakeModel) version(number string) *FakeVersion {
	for i := range m.Versions {
		if v := &m.Versions[i]; fmt.Sprint(v.Number) == number && !v.Deleted {
			return v
		}
	}
	return nil
}

// downloadURI is where the files of a version are.
func (w *FakeWorld) downloadURI(v *FakeVersion) string {
	ref, ok := strings.CutPrefix(v.Source, "models:/")
	if !ok {
		return v.Source
	}
	if l := w.logged(ref); l != nil {
		return l.artifactURI()
	}
	if slash := strings.LastIndexByte(ref, '/'); slash > 0 {
		if m := w.Model(ref[:slash]); m != nil && m.version(ref[slash+1:]) != nil {
			return w.downloadURI(m.version(ref[slash+1:]))
		}
	}
	return v.Source
}

func (l *FakeLoggedModel) artifactURI() string {
	return "mlflow-artifacts:/" + l.Experiment + "/models/" + l.ID + "/artifacts"
}

// SmallFakeWorld holds one of each kind of object that readers must get right:
// `wine` with three versions, aliases, stages and tags; names with quotes, a
// backslash, a line break and signs; a prompt; a model without versions; a
// forbidden one; a copied version; a deleted version, run and experiment; runs
// with and without logged models.
func SmallFakeWorld() *FakeWorld {
	w := &FakeWorld{Experiments: []FakeExperiment{
		{ID: "0", Name: "Default"},
		{ID: "1", Name: "wine", Tags: map[string]string{"mlflow.note.content": "All about wine"}},
		{ID: "2", Name: "deleted", Deleted: true},
		{ID: "3", Name: "evaluation"},
	}}
	w.AddVersion("wine", true).Stage = "Archived"
	v := w.AddVersion("wine", true)
	v.Stage, v.Description, v.Tags = "Production", "Second try", map[string]string{"ticket": "00012", "approved_by": "1e5"}
	w.AddVersion("wine", true).Stage = "Archived"
	m := w.Model("wine")
	m.Description, m.Tags, m.Aliases = "Wine quality", map[string]string{"team": "risk"}, map[string]int{"champion": 2, "challenger": 3}
	for _, name := range []string{`it's "quoted"`, "it's", `say "hi"`, `ends with \`, "two\nlines", "café ☃ #1 100% a+b&c", "CaseTwin", "casetwin"} {
		w.AddVersion(name, false)
	}
	w.AddVersion("gone", false).Deleted = true
	w.AddVersion("gone", false)
	w.AddVersion("secret", false)
	w.Model("secret").Forbidden = true
	w.Models = append(w.Models,
		FakeModel{Name: "a prompt", Prompt: true, Versions: []FakeVersion{{Number: 1, Source: "dummy-source", Tags: map[string]string{"mlflow.prompt.text": "Hi"}}}},
		FakeModel{Name: "empty"},
		FakeModel{Name: "copy", Versions: []FakeVersion{{Number: 1, Source: "models:/wine/2", RunID: w.Runs[1].ID}}},
	)
	w.Runs[1].ModelInputs = []string{"m-" + w.Runs[0].ID}
	w.Runs[1].Datasets = []string{"wine.csv"}
	w.Runs[1].Metrics["loss"] = `"NaN"`
	w.Runs[3].Deleted = true
	w.Runs[4].Experiment, w.Runs[4].Deleted = "2", true
	w.Runs[5].Experiment, w.Runs[5].Status = "3", "RUNNING"
	w.Runs[6].ModelInputs = []string{"m-" + w.Runs[0].ID} // evaluates a model, makes none
	return w
}

// BulkFakeWorld holds models called `bulk_0000` and so on with as many
// versions each, and a run and an MLmodel file for each version. With logged,
// each version stems from a logged model.
func BulkFakeWorld(models, versions int, logged bool) *FakeWorld {
	w := &FakeWorld{Experiments: []FakeExperiment{{ID: "0", Name: "Default"}, {ID: "1", Name: "bulk"}}}
	for i := range models {
		name := fmt.Sprintf("bulk_%04d", i)
		for range versions {
			w.AddVersion(name, logged)
		}
		if m := w.Model(name); m != nil {
			m.Aliases = map[string]int{"champion": versions}
		}
	}
	return w
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
