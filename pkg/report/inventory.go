package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// An Inventory is what a list of models says about each of them, beside its
// name. What is not known is empty.
type Inventory struct {
	Aliases       []string  `json:"aliases"` // of the version, sorted
	Stage         string    `json:"stage"`   // of the version; "" for MLflow's `None`
	Owner         string    `json:"owner"`   // `owner:` of the manifest, else a tag `owner` (see InventoryOf)
	Description   string    `json:"description"`
	Created       string    `json:"created"` // UTC, `YYYY-MM-DD HH:MM:SS`
	Run           string    `json:"run"`     // id
	RunUser       string    `json:"run_user"`
	GitCommit     string    `json:"git_commit"`
	Flavor        string    `json:"flavor"`         // as `mlflow_model.model_flavor`
	MLflowVersion string    `json:"mlflow_version"` // that saved the model
	Signature     *bool     `json:"signature"`      // whether the model has one; nil without an MLmodel file
	Datasets      []Dataset `json:"datasets"`
}

// A Dataset is one that the run used.
type Dataset struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Context string `json:"context"` // what it was used for, such as `training`: the tag `mlflow.data.context`
}

// InventoryOf reads the inventory off a wide report:
//
//   - the owner is the tag `owner` of the version, the registered model, the
//     logged model or the run: the first that has one
//   - the description is the version's, else the registered model's, else the
//     logged model's note
//   - created is the version, else the logged model, else the MLmodel file
//   - run, its user and the commit are those of the section `run`; where it is
//     missing, what the version, the logged model or the MLmodel file say
func InventoryOf(doc *mlflow.Object) Inventory {
	version, model, file := doc.Object("model_version"), doc.Object("registered_model"), doc.Object("mlflow_model")
	logged := doc.Object("logged_model").Object("info")
	run := doc.Object("run")
	runTags, loggedTags := run.Object("data").Object("tags"), logged.Object("tags")
	v := Inventory{
		Aliases: aliasTexts(version),
		Stage:   version.Text("current_stage"),
		Owner: cmp.Or(version.Object("tags").Text("owner"), model.Object("tags").Text("owner"),
			loggedTags.Text("owner"), runTags.Text("owner")),
		Description: cmp.Or(version.Text("description"), model.Text("description"), loggedTags.Text("mlflow.note.content")),
		Created:     cmp.Or(version.Text("_creation_timestamp"), logged.Text("_creation_timestamp_ms"), toSeconds(file.Text("utc_time_created"))),
		Run: cmp.Or(run.Object("info").Text("run_id"), version.Text("run_id"),
			logged.Text("source_run_id"), file.Text("run_id")),
		RunUser:       cmp.Or(run.Object("info").Text("user_id"), runTags.Text("mlflow.user"), loggedTags.Text("mlflow.user")),
		GitCommit:     cmp.Or(commitOf(runTags), commitOf(loggedTags)),
		Flavor:        file.Text("model_flavor"),
		MLflowVersion: file.Text("mlflow_version"),
		Datasets:      datasetsOf(run),
	}
	if v.Stage == "None" {
		v.Stage = ""
	}
	if file != nil {
		has := hasSignature(file)
		v.Signature = &has
	}
	return v
}

func aliasTexts(version *mlflow.Object) []string {
	var out []string
	for _, a := range version.List("aliases") {
		if text, ok := a.(string); ok {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}

// toSeconds cuts the fraction off MLmodel's time, which is UTC.
func toSeconds(t string) string {
	t, _, _ = strings.Cut(t, ".")
	return t
}

// commitOf is the commit of the code: MLflow's tag, or that of a Databricks
// repository.
func commitOf(tags *mlflow.Object) string {
	return cmp.Or(tags.Text("mlflow.source.git.commit"), tags.Text("mlflow.databricks.gitRepoCommit"))
}

func hasSignature(file *mlflow.Object) bool {
	for _, part := range []string{"inputs", "outputs", "params"} {
		if v, _ := file.Object("signature").Get(part); v != nil {
			return true
		}
	}
	return false
}

func datasetsOf(run *mlflow.Object) []Dataset {
	var out []Dataset
	for in := range run.Object("inputs").Objects("dataset_inputs") {
		d := Dataset{Name: in.Object("dataset").Text("name"), Digest: in.Object("dataset").Text("digest"), Context: contextOf(in)}
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// contextOf is what a run used a dataset for.
func contextOf(input *mlflow.Object) string {
	for t := range input.Objects("tags") {
		if t.Text("key") == "mlflow.data.context" {
			return t.Text("value")
		}
	}
	return ""
}

// addTo writes the inventory as members of a row.
func (v Inventory) addTo(o *mlflow.Object) {
	addTexts(o, "aliases", v.Aliases)
	addText(o, "stage", v.Stage)
	addText(o, "owner", v.Owner)
	addText(o, "description", v.Description)
	addText(o, "created", v.Created)
	addText(o, "run", v.Run)
	addText(o, "run_user", v.RunUser)
	addText(o, "git_commit", v.GitCommit)
	addText(o, "flavor", v.Flavor)
	addText(o, "mlflow_version", v.MLflowVersion)
	if v.Signature != nil {
		o.Append("signature", *v.Signature)
	}
	if len(v.Datasets) > 0 {
		o.Append("datasets", mlflow.List(v.Datasets, func(d Dataset) any {
			m := &mlflow.Object{}
			addText(m, "name", d.Name)
			addText(m, "digest", d.Digest)
			addText(m, "context", d.Context)
			return m
		}))
	}
}

// TableColumns are the headings of the table that TableRow makes.
func TableColumns() []string {
	return []string{
		"host", "model", "version", "aliases", "stage", "owner", "description", "created", "run", "run_user", "git_commit",
		"flavor", "mlflow_version", "signature", "datasets", "issues", "status", "uri", "place",
	}
}

// TableRow is a row for a table of models, as text: lists are joined with
// commas, a dataset is `context name digest`, issues are their codes.
func TableRow(r Row) []string {
	version, signature := "", ""
	if r.Version != 0 {
		version = string(mlflow.Integer(r.Version))
	}
	if r.Signature != nil {
		signature = map[bool]string{true: "yes", false: "no"}[*r.Signature]
	}
	var datasets, codes []string
	for _, d := range r.Datasets {
		datasets = append(datasets, strings.TrimSpace(strings.TrimSpace(d.Context+" "+d.Name)+" "+d.Digest))
	}
	for _, i := range r.Issues {
		if !slices.Contains(codes, string(i.Code)) {
			codes = append(codes, string(i.Code))
		}
	}
	return []string{
		r.Host, r.Model, version, strings.Join(r.Aliases, ", "), r.Stage, r.Owner, r.Description, r.Created, r.Run, r.RunUser, r.GitCommit,
		r.Flavor, r.MLflowVersion, signature, strings.Join(datasets, ", "), strings.Join(codes, ", "), string(r.Status), r.URI, r.Place,
	}
}
