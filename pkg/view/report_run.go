package view

import (
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func (p *page) run(r *mlflow.Object) {
	p.section("Run")
	if r == nil {
		p.none()
		return
	}
	p.part("Info")
	p.pairs("Name", append(members(r.Object("info")), members(r, "info", "data", "inputs", "outputs")...))
	p.data(r.Object("data"))
	p.part("Inputs")
	p.inputs(r.Object("inputs"))
	if r.Has("outputs") {
		p.part("Outputs")
		p.table([]string{"Logged model", "Step"}, rowsOf(slices.Collect(r.Object("outputs").Objects("model_outputs")), "model_id", "step"))
	}
	p.part("Tags")
	p.tagGroups(r.Object("data").Object("tags"))
}

// data writes the params and metrics of a run or a logged model.
func (p *page) data(d *mlflow.Object) {
	p.part("Params")
	p.table([]string{"Param", "Value"}, rowsOf(slices.Collect(d.Objects("params")), "key", "value"))
	p.part("Metrics")
	var rows [][]any
	for m := range d.Objects("metrics") {
		v, _ := m.Get("value")
		rows = append(rows, []any{m.Text("key"), v, m.Text("step"), strings.TrimSpace(m.Text("dataset_name") + " " + m.Text("dataset_digest"))})
	}
	p.table([]string{"Metric", "Value", "Step", "Dataset"}, rows)
}

func (p *page) inputs(in *mlflow.Object) {
	var rows [][]any
	for i := range in.Objects("dataset_inputs") {
		d := i.Object("dataset")
		context := ""
		for t := range i.Objects("tags") {
			if t.Text("key") == "mlflow.data.context" {
				context = t.Text("value")
			}
		}
		rows = append(rows, []any{d.Text("name"), d.Text("digest"), context, sourceText(d), textAt(d, "profile")})
	}
	if models := slices.Collect(in.Objects("model_inputs")); len(models) > 0 {
		p.table([]string{"Logged model"}, rowsOf(models, "model_id"))
		if rows == nil {
			return
		}
	}
	p.table([]string{"Dataset", "Digest", "Context", "Source", "Profile"}, rows)
}

// A tagGroup is tags that belong together, by how their names begin.
type tagGroup struct {
	title    string
	prefixes []string
}

// tagGroups are the groups of the seed tool; a tag is in the first that fits.
func tagGroups() []tagGroup {
	const db = "mlflow.databricks."
	return []tagGroup{
		{"Git", []string{"mlflow.source.git.", db + "gitRepo"}},
		{"Notebook", []string{db + "notebook"}},
		{"Cluster", []string{db + "cluster"}},
		{"Workspace", []string{db + "workspace", db + "webapp"}},
		{"Source", []string{"mlflow.source."}},
		{"Job", []string{db + "job"}},
		{"System", []string{"mlflow."}},
		{"User", []string{""}},
	}
}

func (p *page) tagGroups(tags *mlflow.Object) {
	groups := tagGroups()
	in := make([][]pair, len(groups))
	for _, m := range members(tags) {
		g := slices.IndexFunc(groups, func(g tagGroup) bool {
			return slices.ContainsFunc(g.prefixes, func(prefix string) bool { return strings.HasPrefix(m.name, prefix) })
		})
		in[g] = append(in[g], m)
	}
	if tags.Len() == 0 {
		p.none()
	}
	for i, g := range groups {
		if len(in[i]) > 0 {
			p.detail(g.title)
			p.pairs("Tag", in[i])
		}
	}
}

func (p *page) experiment(e *mlflow.Object) {
	p.section("Experiment")
	if e == nil {
		p.none()
		return
	}
	p.part("Details")
	p.pairs("Name", members(e, "tags", "permissions"))
	p.part("Tags")
	p.tagGroups(e.Object("tags"))
	p.permissions(e)
}
