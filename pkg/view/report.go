package view

import (
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Markdown is a wide report as a page for people, with the sections of the
// seed tool's `mlflow-model-report`: overview, model, registered model version,
// registered model, logged model, run, experiment, and what could not be read;
// and with what else the report has: metric histories, environment, copies.
// Nothing of the data can become markup, a heading or a script.
func Markdown(doc *mlflow.Object) []byte {
	p := &page{title: "MLflow Model: " + escape(doc.Object("manifest").Text("model_uri")), slugs: map[string]int{"contents": 1}}
	p.overview(doc)
	p.model(doc.Object("mlflow_model"))
	p.rawModel(doc.Object("mlflow_model_raw"))
	p.registered("Registered Model Version", doc.Object("model_version"))
	p.registered("Registered Model", doc.Object("registered_model"))
	p.loggedModel(doc.Object("logged_model"))
	p.run(doc.Object("run"))
	p.metricHistory(doc.Object("metric_history"))
	p.environment(doc.Object("environment"))
	p.evidence(doc.Object("files"))
	p.experiment(doc.Object("experiment"))
	p.copies(slices.Collect(doc.Objects("copied_from")))
	p.lineage(doc.Object("lineage"))
	p.issues(slices.Collect(doc.Objects("issues")))
	return []byte(p.String())
}

func (p *page) overview(doc *mlflow.Object) {
	m, manifest := doc.Object("mlflow_model"), doc.Object("manifest")
	var list []pair
	add := func(name, value string) {
		if value != "" {
			list = append(list, pair{name, value})
		}
	}
	flavor := m.Object("flavors").Object(m.Text("model_flavor"))
	created, _, _ := strings.Cut(m.Text("utc_time_created"), ".")
	add("model_uri", manifest.Text("model_uri"))
	add("flavor", first(m.Object("flavors").Object("python_function").Text("loader_module"), m.Text("model_flavor")))
	for key := range flavor.All() {
		if strings.HasSuffix(key, "_version") {
			add("flavor_version", flavor.Text(key))
			break
		}
	}
	add("mlflow_version", m.Text("mlflow_version"))
	add("size_bytes", thousands(m.Text("model_size_bytes")))
	add("databricks_runtime", m.Text("databricks_runtime"))
	if textAt(doc.Object("registered_model"), "_is_unity_catalog") == "true" {
		add("is_unity_catalog", "true")
	}
	add("time_created", created)
	add("report_time", manifest.Text("timestamp"))
	p.section("Model Overview")
	p.pairs("Name", list)
	p.table([]string{"URI type", "URI"}, rowsOfMembers(manifest.Object("model_uris")))
}

func rowsOfMembers(o *mlflow.Object) [][]any {
	var rows [][]any
	for key, v := range o.All() {
		rows = append(rows, []any{key, v})
	}
	return rows
}

// thousands puts commas into a whole number.
func thousands(n string) string {
	if strings.ContainsFunc(n, func(r rune) bool { return r < '0' || r > '9' }) {
		return n
	}
	for i := len(n) - 3; i > 0; i -= 3 {
		n = n[:i] + "," + n[i:]
	}
	return n
}

func (p *page) model(m *mlflow.Object) {
	p.section("MLflow Model")
	if m == nil {
		p.none()
		return
	}
	p.part("Details")
	p.pairs("Name", members(m, "flavors", "signature", "saved_input_example_info", "artifacts"))
	p.part("Flavors")
	for name, f := range m.Object("flavors").All() {
		p.detail("Flavor " + escape(name))
		flavor, _ := f.(*mlflow.Object)
		p.pairs("Name", members(flavor))
	}
	if m.Object("flavors").Len() == 0 {
		p.none()
	}
	p.signature(m.Object("signature"))
	p.part("Saved input example info")
	p.pairs("Name", members(m.Object("saved_input_example_info")))
	if files := m.Object("artifacts"); files != nil {
		p.part("Artifacts")
		l := factList{}
		l.list(files, maxLevels)
		rows := make([][]any, len(l.facts))
		for i, f := range l.facts {
			rows[i] = []any{f.name, f.value}
		}
		p.table([]string{"File", "Size"}, rows)
	}
}

// signature writes columns and tensors by name and type; what is neither is
// shown as it is.
func (p *page) signature(s *mlflow.Object) {
	p.part("Signature")
	shown := false
	for _, part := range []string{"inputs", "outputs", "params"} {
		v, _ := s.Get(part)
		if v == nil {
			continue
		}
		shown = true
		p.detail(strings.ToUpper(part[:1]) + part[1:])
		var rows [][]any
		for f := range s.Objects(part) {
			rows = append(rows, []any{f.Text("name"), fieldType(f), fieldDetails(f)})
		}
		if rows == nil {
			rows = [][]any{{"", v, ""}}
		}
		p.table([]string{"Name", "Type", "Details"}, rows)
	}
	if !shown {
		p.none()
	}
}

// fieldDetails is what else a field says: that it is optional, and the rest as
// JSON.
func fieldDetails(f *mlflow.Object) string {
	words := ""
	if required, _ := f.Get("required"); required == false {
		words = "optional "
	}
	rest := mlflow.NewObject()
	for _, m := range members(f, "name", "type", "tensor-spec", "required") {
		rest.Append(m.name, m.value)
	}
	if rest.Len() > 0 {
		words += string(mlflow.JSON{}.Append(nil, rest))
	}
	return strings.TrimSpace(words)
}

func (p *page) rawModel(m *mlflow.Object) {
	if m == nil {
		return
	}
	p.section("Raw Model")
	p.part("Details")
	p.pairs("Name", members(m, "mlflow_model", "feature_spec"))
	p.part("MLmodel")
	p.pairs("Name", members(m.Object("mlflow_model")))
	if spec := m.Object("feature_spec"); spec != nil {
		p.part("Feature Spec")
		p.pairs("Name", members(spec))
	}
}

// registered writes a registered model or one of its versions.
func (p *page) registered(title string, o *mlflow.Object) {
	if o == nil {
		return
	}
	p.section(title)
	p.part("Details")
	p.pairs("Name", members(o, "tags", "aliases", "permissions", "_transition_requests"))
	p.part("Aliases")
	var rows [][]any
	for _, a := range o.List("aliases") {
		switch a := a.(type) {
		case string:
			rows = append(rows, []any{a, o.Text("version")})
		case *mlflow.Object:
			rows = append(rows, []any{a.Text("alias"), a.Text("version")})
		}
	}
	p.table([]string{"Alias", "Version"}, rows)
	p.part("Tags")
	p.pairs("Tag", members(o.Object("tags")))
	if v, ok := o.Get("_transition_requests"); ok {
		p.part("Transition Requests")
		p.pairs("Name", []pair{{"requests", v}})
	}
	p.permissions(o)
}

func (p *page) permissions(o *mlflow.Object) {
	if v := o.Object("permissions"); v != nil {
		p.part("Permissions")
		p.pairs("Name", members(v))
	}
}

func (p *page) loggedModel(m *mlflow.Object) {
	if m == nil {
		return
	}
	p.section("Logged Model")
	p.part("Details")
	p.pairs("Name", members(m.Object("info"), "tags"))
	p.data(m.Object("data"))
	p.part("Tags")
	p.pairs("Tag", members(m.Object("info").Object("tags")))
	if more := members(m, "info", "data"); len(more) > 0 {
		p.part("More")
		p.pairs("Name", more)
	}
}

func (p *page) copies(list []*mlflow.Object) {
	if len(list) == 0 {
		return
	}
	p.section("Copied From")
	var rows [][]any
	for _, c := range list {
		v := c.Object("model_version")
		rows = append(rows, []any{"models:/" + v.Text("name") + "/" + v.Text("version"), words(v.List("aliases")), v.Text("_creation_timestamp"), v.Text("run_id")})
	}
	p.table([]string{"Version", "Aliases", "Created", "Run"}, rows)
}

func (p *page) lineage(l *mlflow.Object) {
	if l == nil {
		return
	}
	p.section("Lineage")
	kind := map[string]string{}
	for n := range l.Objects("nodes") {
		kind[n.Text("id")] = n.Text("kind")
	}
	var rows [][]any
	for e := range l.Objects("edges") {
		from, to := e.Text("from"), e.Text("to")
		rows = append(rows, []any{kind[from], from, strings.TrimSpace(e.Text("kind") + " " + e.Text("context")), kind[to], to})
	}
	p.table([]string{"Kind", "From", "Step", "Kind", "To"}, rows)
}

func (p *page) issues(list []*mlflow.Object) {
	p.section("Issues")
	p.table([]string{"Section", "Code", "Level", "Message"}, rowsOf(list, "section", "code", "level", "message"))
}
