package mlflowtest

import (
	"fmt"
	"path"
	"strings"
)

// A Difference is something that a server and what reads the store behind it
// may show differently.
type Difference struct {
	Where  string // which server: a pattern for Pair.Where
	Kind   string // of object, such as `run`
	Field  string // the member, such as `data.metrics.step`; `error`: what becomes of the object
	Server string // what the server shows: JSON, `nothing`, or the kind of an error
	Store  string // what the store's reader shows; "": any
	Reason string
}

func (d Difference) covers(seen Difference) bool {
	any := func(row, seen string) bool { return row == "" || row == seen }
	here, _ := path.Match(d.Where, seen.Where)
	return here && d.Kind == seen.Kind && d.Field == seen.Field && any(d.Server, seen.Server) && any(d.Store, seen.Store)
}

// Differences is the table of all that doors to one store may show
// differently. A row that no store of the tests shows any more fails them.
func Differences() []Difference {
	const (
		folder  = "*, folder"
		folder2 = "MLflow 2.*, folder"
		folder3 = "MLflow 3.*, folder"
	)
	return []Difference{
		{"*", "report", "issues.code", `"artifact-unsupported"`, `"artifact-missing"`,
			"A location that is a path of the server's machine, such as the `dummy-source` of a prompt. Beside a store on this machine it is looked for; a server does not serve it."},
		{"*", "report", "issues.message", `"dummy-source/MLmodel lies in an artifact store that this entry's host does not serve"`, `"there is no file at dummy-source/MLmodel"`,
			"The same."},
		{folder2, "logged model", "error", "unsupported", "not found",
			"MLflow 2 has no logged models; a folder does not say which MLflow serves it. Reports say the same in both cases."},
		{folder3, "logged model", "error", "not found", "an answer",
			"Logged models of a deleted experiment: the server looks for them where the experiment was."},
		{folder3, "logged model", "error", "unavailable", "an answer",
			"A metric that was measured on a dataset whose name has blanks: the server fails on the whole logged model."},
		{folder3, "experiment", "workspace", `"default"`, "nothing",
			"An experiment that an older MLflow wrote: its `meta.yaml` names no workspace."},
		{folder3, "run", "outputs", "{}", "nothing",
			"A run that MLflow 2 wrote: it is shown as MLflow 2 shows it."},
		{folder3, "run", "data.metrics.run_id", "", "nothing", "The same."},
		{folder3, "run", "data.metrics.step", "0", "1",
			"The server takes 0 for the step of a metric that was measured on a dataset; the folder holds the step."},
		{folder3, "metric history", "drift.step", "0", "1", "The same, of its history."},
		{folder3, "run", "error", "not found", "an answer",
			"A run without the folders `metrics`, `params` or `artifacts`, as git leaves it when they are empty: for the server there is none."},
		{folder, "run", "error", "unavailable", "an answer",
			"A metric file with a blank line, or (MLflow 3) a metric that was measured on a dataset whose name has blanks: the server fails on the whole run."},
		{folder, "run", "data.tags", `{"key":".DS_Store","value":"\u0000\u0000\u0000\u0001Bud1"}`, "nothing",
			"The server takes the file that a Mac leaves in each folder for a tag."},
		{folder, "run", "data.tags.value", `"caf"`, `"caf�"`,
			"Text that is not UTF-8: the server drops the bytes; here they are marked."},
		{folder, "registered model", "error", "unavailable", "not found",
			"A folder whose `meta.yaml` names another model, as copying leaves it: the server answers with the other name, which is not believed; without it there is no such model."},
		{folder, "model version", "error", "an answer", "not found", "As above: its versions."},
		{folder, "model version", "error", "unavailable", "not found", "As above: a version whose `meta.yaml` names another version."},
	}
}

// DifferencesTable is the table as docs/doors.md shows it.
func DifferencesTable() string {
	var b strings.Builder
	b.WriteString("| server | object | member | the server shows | the store shows | why |\n|---|---|---|---|---|---|\n")
	for _, d := range Differences() {
		field := "`" + d.Field + "`"
		if d.Field == "error" {
			field = "(itself)"
		}
		where := strings.TrimPrefix(strings.Replace(d.Where, ".*", "", 1), "*, ")
		if where == "*" {
			where = "all"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", where, d.Kind, field, code(d.Server), code(d.Store), d.Reason)
	}
	return b.String()
}

func code(s string) string {
	switch s {
	case "":
		return ""
	case "nothing", "an answer", "not found", "unavailable", "unsupported":
		return s
	}
	return "`" + s + "`"
}
