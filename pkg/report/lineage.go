package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The kinds of nodes, in their order.
func nodeKinds() []string {
	return []string{"dataset", "source_code", "run", "logged_model", "model_version", "registered_model", "alias"}
}

// A graph is the section `lineage` under way: what the other sections say of
// where the model comes from, as nodes and edges. Edges lead from what was
// there first to what came of it, and from a name to what it names.
type graph struct {
	nodes map[string]*mlflow.Object
	edges map[edge]bool
}

type edge struct{ from, to, kind, context string }

// lineage is the section, or nil when it was not asked for.
func lineage(b *mlflow.Bundle) *mlflow.Object {
	if b.Family == nil {
		return nil
	}
	g := &graph{nodes: map[string]*mlflow.Object{}, edges: map[edge]bool{}}
	g.training(b)
	g.loggedModel(b)
	g.registry(b)
	return g.object()
}

// node adds a node, once, and gives its id; "" for none.
func (g *graph) node(kind, id string, attributes ...mlflow.Member) string {
	if id == "" {
		return ""
	}
	o := g.nodes[id]
	if o == nil {
		o = mlflow.NewObject(mlflow.Member{Key: "id", Value: id}, mlflow.Member{Key: "kind", Value: kind})
		g.nodes[id] = o
	}
	for _, a := range attributes {
		if text, ok := a.Value.(string); ok && text != "" {
			o.Set(a.Key, text)
		}
	}
	return id
}

func attribute(key, value string) mlflow.Member { return mlflow.Member{Key: key, Value: value} }

// edge adds an edge, once, if both its ends are known.
func (g *graph) edge(kind, from, to, context string) {
	if from != "" && to != "" {
		g.edges[edge{from, to, kind, context}] = true
	}
}

// runNode is a run, also one of which only the id is known.
func (g *graph) runNode(r mlflow.Run, id string) string {
	info := r.Info()
	return g.node("run", cmp.Or(r.ID(), id), attribute("run_id", cmp.Or(r.ID(), id)), attribute("run_name", info.Text("run_name")),
		attribute("status", info.Text("status")), attribute("lifecycle_stage", info.Text("lifecycle_stage")))
}

func (g *graph) modelNode(id string) string {
	return g.node("logged_model", id, attribute("model_id", id))
}

// training is the run with what went into it, its family, and what it made.
func (g *graph) training(b *mlflow.Bundle) {
	run := g.runNode(b.Run, runID(b))
	tags := b.Run.Data().Object("tags")
	if tags.Len() == 0 {
		tags = b.LoggedModel.Info().Object("tags")
	}
	g.edge("code", g.source(tags), run, "")
	for in := range b.Run.Object.Object("inputs").Objects("dataset_inputs") {
		d := in.Object("dataset")
		name, digest := d.Text("name"), d.Text("digest")
		id := g.node("dataset", "dataset:"+name+"@"+digest, attribute("name", name), attribute("digest", digest), attribute("source_type", d.Text("source_type")))
		g.edge("input", id, run, contextOf(in))
	}
	for in := range b.Run.Object.Object("inputs").Objects("model_inputs") {
		g.edge("input", g.modelNode(in.Text("model_id")), run, "")
	}
	for id := range b.Run.Outputs() {
		g.edge("output", run, g.modelNode(id), "")
	}
	g.edge("parent", g.runNode(b.Family.Parent, b.Run.ParentID()), run, "")
	for _, child := range b.Family.Children {
		g.edge("parent", run, g.runNode(child, ""), "")
	}
}

// source is the code that a run ran.
func (g *graph) source(tags *mlflow.Object) string {
	name, commit := tags.Text("mlflow.source.name"), commitOf(tags)
	if name == "" && commit == "" {
		return ""
	}
	id := "source:" + name
	if commit != "" {
		id += "@" + commit
	}
	return g.node("source_code", id, attribute("name", name), attribute("source_type", tags.Text("mlflow.source.type")),
		attribute("repository", cmp.Or(tags.Text("mlflow.source.git.repoURL"), tags.Text("mlflow.databricks.gitRepoUrl"))),
		attribute("branch", tags.Text("mlflow.source.git.branch")), attribute("commit", commit))
}

// loggedModel is MLflow 3's model, the run that made it and those that
// measured it later.
func (g *graph) loggedModel(b *mlflow.Bundle) {
	m := b.LoggedModel
	if m.Object == nil {
		return
	}
	id := g.node("logged_model", m.ID(), attribute("model_id", m.ID()), attribute("name", m.Name()))
	g.edge("output", g.runNode(mlflow.Run{}, m.SourceRunID()), id, "")
	for _, v := range m.List("runs") {
		if run, ok := v.(string); ok && run != m.SourceRunID() {
			g.edge("evaluation", id, g.runNode(mlflow.Run{}, run), "")
		}
	}
}

// registry is the version with its model and aliases, and the versions that it
// was copied from. What was registered is the logged model where there is one,
// else the run's.
func (g *graph) registry(b *mlflow.Bundle) {
	if b.ModelVersion.Object == nil {
		return
	}
	made := func(v mlflow.ModelVersion) string {
		if id := b.LoggedModel.ID(); id != "" {
			return id
		}
		return g.runNode(mlflow.Run{}, v.RunID())
	}
	version, to := b.ModelVersion, g.version(b.ModelVersion)
	for _, c := range b.CopiedFrom {
		from := g.version(c.ModelVersion)
		g.edge("copy", from, to, "")
		version, to = c.ModelVersion, from
	}
	g.edge("registration", made(version), to, "")
}

// version is a version of a registered model, with both names that lead to it.
func (g *graph) version(v mlflow.ModelVersion) string {
	name := v.Text("name")
	model := g.node("registered_model", "models:/"+name, attribute("name", name))
	id := g.node("model_version", "models:/"+name+"/"+v.Text("version"), attribute("name", name), attribute("version", v.Text("version")))
	g.edge("version", model, id, "")
	for _, alias := range aliasTexts(v.Object) {
		g.edge("alias", g.node("alias", "models:/"+name+"@"+alias, attribute("name", name), attribute("alias", alias)), id, "")
	}
	return id
}

// object writes the graph: nodes by kind and id, edges by where they lead from
// and to.
func (g *graph) object() *mlflow.Object {
	nodes := slices.SortedFunc(maps.Values(g.nodes), func(a, b *mlflow.Object) int {
		kind := func(o *mlflow.Object) int { return slices.Index(nodeKinds(), o.Text("kind")) }
		return cmp.Or(cmp.Compare(kind(a), kind(b)), strings.Compare(a.Text("id"), b.Text("id")))
	})
	edges := slices.SortedFunc(maps.Keys(g.edges), func(a, b edge) int {
		return cmp.Or(strings.Compare(a.from, b.from), strings.Compare(a.to, b.to), strings.Compare(a.kind, b.kind), strings.Compare(a.context, b.context))
	})
	return mlflow.NewObject(
		mlflow.Member{Key: "nodes", Value: mlflow.List(nodes, func(o *mlflow.Object) any { return o })},
		mlflow.Member{Key: "edges", Value: mlflow.List(edges, func(e edge) any {
			o := mlflow.NewObject(attribute("kind", e.kind), attribute("from", e.from), attribute("to", e.to))
			addText(o, "context", e.context)
			return o
		})})
}
