package view

import (
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The sections of a sheet, in their order.
const (
	aboutModel = "model"
	params     = "params"
	metrics    = "metrics"
	tags       = "tags"
	signature  = "signature"
	libraries  = "libraries"
	needs      = "requirements"
	data       = "data"
	code       = "code"
	run        = "run"
	files      = "files"
	gaps       = "gaps"
	notes      = "notes"

	linkFact = "link" // the name of a fact
)

func order() []string {
	return []string{aboutModel, params, metrics, tags, signature, libraries, needs, data, code, run, files, gaps, notes}
}

// isMap tells the sections whose rows are in the order of their names.
func isMap(title string) bool {
	return slices.Contains([]string{params, metrics, tags, libraries, needs, files}, title)
}

// facts are what a report says about its model, for people.
func facts(doc *mlflow.Object) []factList {
	lists := []factList{
		modelFacts(doc), paramFacts(doc), metricFacts(doc), tagFacts(doc), signatureFacts(doc),
		libraryFacts(doc), requirementFacts(doc.Object("environment")), dataFacts(doc), codeFacts(doc), runFacts(doc), fileFacts(doc), issueFacts(doc, gaps), issueFacts(doc, notes),
	}
	return slices.DeleteFunc(lists, func(l factList) bool { return len(l.facts) == 0 })
}

// A factList is the facts of one section.
type factList struct {
	title string
	facts []fact
}

type fact struct{ name, value string }

// add notes a fact, unless there is nothing to say.
func (l *factList) add(name, value string) {
	if value != "" {
		l.facts = append(l.facts, fact{name, value})
	}
}

func modelFacts(doc *mlflow.Object) factList {
	l := factList{title: aboutModel}
	v, m := doc.Object("model_version"), doc.Object("registered_model")
	logged := doc.Object("logged_model").Object("info")
	l.add("registered model", v.Text("name"))
	l.add("version", v.Text("version"))
	l.add("aliases", words(v.List("aliases")))
	if stage := v.Text("current_stage"); stage != "None" {
		l.add("stage", stage)
	}
	l.add("status", strings.TrimPrefix(first(v.Text("status"), logged.Text("status")), "LOGGED_MODEL_"))
	l.add("status message", first(v.Text("status_message"), logged.Text("status_message")))
	l.add("created", first(v.Text("_creation_timestamp"), logged.Text("_creation_timestamp_ms")))
	l.add("created by", creator(doc))
	l.add("updated", v.Text("_last_updated_timestamp"))
	l.add("description", v.Text("description"))
	l.add("about the model", m.Text("description"))
	for c := range doc.Objects("copied_from") {
		from := c.Object("model_version")
		l.add("copied from", "models:/"+from.Text("name")+"/"+from.Text("version"))
	}
	l.add("logged model", logged.Text("model_id"))
	l.add("flavor", doc.Object("mlflow_model").Text("model_flavor"))
	l.add("size", Bytes(doc.Object("mlflow_model").Text("model_size_bytes")))
	l.add(linkFact, first(v.Text("_web_ui_link"), logged.Text("_web_ui_link")))
	return l
}

// creator is who made the version, else who ran the training.
func creator(doc *mlflow.Object) string {
	info, runTags := doc.Object("run").Object("info"), doc.Object("run").Object("data").Object("tags")
	return first(doc.Object("model_version").Text("user_id"), info.Text("user_id"), runTags.Text("mlflow.user"),
		doc.Object("logged_model").Object("info").Object("tags").Text("mlflow.user"))
}

// keyed are the entries of a list of params or metrics; those of the run, or
// of the logged model when there is no run.
func keyed(doc *mlflow.Object, list string) []*mlflow.Object {
	for _, section := range []string{"run", "logged_model"} {
		if found := slices.Collect(doc.Object(section).Object("data").Objects(list)); len(found) > 0 {
			return found
		}
	}
	return nil
}

func paramFacts(doc *mlflow.Object) factList {
	l := factList{title: params}
	for _, p := range keyed(doc, "params") {
		l.facts = append(l.facts, fact{p.Text("key"), textAt(p, "value")})
	}
	return l
}

func metricFacts(doc *mlflow.Object) factList {
	l := factList{title: metrics}
	seen := map[string]bool{}
	for _, m := range keyed(doc, "metrics") {
		seen[m.Text("key")] = true
		l.facts = append(l.facts, fact{m.Text("key"), textAt(m, "value")})
	}
	for m := range doc.Object("logged_model").Object("data").Objects("metrics") { // of later runs, on other data
		if key := m.Text("key"); !seen[key] {
			seen[key] = true
			l.facts = append(l.facts, fact{key, textAt(m, "value")})
		}
	}
	return l
}

func tagFacts(doc *mlflow.Object) factList {
	l := factList{title: tags}
	own := func(from *mlflow.Object, prefix string) {
		for key := range from.All() {
			if !strings.HasPrefix(key, "mlflow.") && !strings.HasPrefix(key, "_") {
				l.facts = append(l.facts, fact{prefix + key, textAt(from, key)})
			}
		}
	}
	own(doc.Object("model_version").Object("tags"), "")
	own(doc.Object("registered_model").Object("tags"), "model: ")
	own(doc.Object("logged_model").Object("info").Object("tags"), "logged model: ")
	own(doc.Object("run").Object("data").Object("tags"), "run: ")
	return l
}

func signatureFacts(doc *mlflow.Object) factList {
	l := factList{title: signature}
	s := doc.Object("mlflow_model").Object("signature")
	for _, part := range []string{"inputs", "outputs", "params"} {
		l.add(part, fieldsText(s, part))
	}
	return l
}

// fieldsText is a list of fields as `name type, name type`.
func fieldsText(s *mlflow.Object, part string) string {
	var out []string
	for f := range s.Objects(part) {
		kind := fieldType(f)
		if required, _ := f.Get("required"); required == false {
			kind += " (optional)"
		}
		out = append(out, strings.TrimSpace(f.Text("name")+" "+kind))
	}
	if len(out) == 0 {
		return textAt(s, part)
	}
	return strings.Join(out, ", ")
}

// fieldType is the type of a column, or of a tensor with its shape.
func fieldType(f *mlflow.Object) string {
	if spec := f.Object("tensor-spec"); spec != nil && first(f.Text("type"), "tensor") == "tensor" {
		return spec.Text("dtype") + textAt(spec, "shape")
	}
	return textAt(f, "type")
}

func libraryFacts(doc *mlflow.Object) factList {
	l := factList{title: libraries}
	m := doc.Object("mlflow_model")
	l.add("mlflow", m.Text("mlflow_version"))
	l.add("python", first(doc.Object("environment").Text("python_version"), m.Object("flavors").Object("python_function").Text("python_version")))
	for name := range m.Object("flavors").All() {
		f := m.Object("flavors").Object(name)
		if name == "python_function" {
			continue
		}
		for key := range f.All() {
			if strings.HasSuffix(key, "_version") {
				l.add(strings.TrimSuffix(key, "_version"), f.Text(key))
			}
		}
	}
	return l
}

func dataFacts(doc *mlflow.Object) factList {
	l := factList{title: data}
	for in := range doc.Object("run").Object("inputs").Objects("dataset_inputs") {
		d := in.Object("dataset")
		context := ""
		for t := range in.Objects("tags") {
			if t.Text("key") == "mlflow.data.context" {
				context = t.Text("value") + " "
			}
		}
		parts := []string{"digest " + d.Text("digest")}
		if rows := textAt(d.Object("profile"), "num_rows"); rows != "" {
			parts = append(parts, rows+" rows")
		}
		if where := sourceText(d); where != "" {
			parts = append(parts, where)
		}
		l.add(context+d.Text("name"), strings.Join(parts, ", "))
	}
	return l
}

// sourceText is where data came from, when its source says so in a word.
func sourceText(d *mlflow.Object) string {
	s := d.Object("source")
	return first(s.Text("url"), s.Text("uri"), s.Text("path"), s.Text("table_name"), d.Text("source"), d.Text("source_type"))
}

func codeFacts(doc *mlflow.Object) factList {
	l := factList{title: code}
	t := doc.Object("run").Object("data").Object("tags")
	if t.Len() == 0 {
		t = doc.Object("logged_model").Object("info").Object("tags")
	}
	l.add("repository", t.Text("mlflow.source.git.repoURL"))
	l.add("commit", t.Text("mlflow.source.git.commit"))
	l.add("branch", t.Text("mlflow.source.git.branch"))
	l.add("file", t.Text("mlflow.source.name"))
	return l
}

func runFacts(doc *mlflow.Object) factList {
	l := factList{title: run}
	info := doc.Object("run").Object("info")
	l.add("id", info.Text("run_id"))
	l.add("name", info.Text("run_name"))
	l.add("experiment", first(info.Text("_experiment_name"), doc.Object("experiment").Text("name")))
	l.add("user", info.Text("user_id"))
	l.add("status", info.Text("status"))
	l.add("started", info.Text("_start_time"))
	if d := info.Text("_duration"); d != "" {
		l.add("duration", d+" s")
	}
	if info.Text("lifecycle_stage") == "deleted" {
		l.add("deleted", "yes")
	}
	return l
}

// fileFacts are the model's files, or those that are kept of it and its run
// when a report has no listing.
func fileFacts(doc *mlflow.Object) factList {
	l := factList{title: files}
	if listed := doc.Object("mlflow_model").Object("artifacts"); listed != nil {
		l.list(listed, maxLevels)
		return l
	}
	for path := range doc.Object("files").All() {
		l.add(path, Bytes(doc.Object("files").Object(path).Text("bytes")))
	}
	return l
}

// maxLevels bounds how deep a listing of files is followed.
const maxLevels = 64

// list notes the files of a folder and of those below it.
func (l *factList) list(folder *mlflow.Object, levels int) {
	for f := range folder.Objects("files") {
		if f.Has("files") && levels > 0 {
			l.list(f, levels-1)
			continue
		}
		l.add(f.Text("path"), Bytes(f.Text("bytes")))
	}
}

// issueFacts are what could not be read, or what is only to be known.
func issueFacts(doc *mlflow.Object, title string) factList {
	l := factList{title: title}
	for i := range doc.Objects("issues") {
		if (i.Text("level") == string(mlflow.Note)) == (title == notes) {
			l.add(i.Text("code"), i.Text("message"))
		}
	}
	return l
}
