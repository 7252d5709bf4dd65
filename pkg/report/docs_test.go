package report_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

const docsHead = `# The format of reports

<!-- Generated from pkg/report/schema.json by "go test ./pkg/report -update"; change the schema, not this file. -->

A wide report is one JSON document about one model: UTF-8, two blanks a level, one final newline. Its sections stand in the order of the first table and are
absent when there is nothing to show; a section that should be there and is not is named in ` + "`issues`" + `. Within an object MLflow's attributes come in MLflow's order, then ours.

- Attributes that begin with an underscore are mlreport's. All others are MLflow's, those included that this page does not know.
- "As received" means: same type, numbers digit by digit. Ids, names, digests and versions are text, also when they look like numbers; what MLflow sends as
  text because JSON has no number for it (` + "`NaN`, `Infinity`, `-Infinity`" + `) stays text. Over a database MLflow itself sends infinite values as ±1.7976931348623157e+308.
- Exploded are values of tags and parameters, ` + "`signature.*`" + `, and a dataset's ` + "`source`, `schema` and `profile`" + `, nothing else: text that is a JSON object or array
  becomes that, with such text inside it; text that could not be written again without loss (repeated members, lone surrogates, NaN, nested deeper than a report may) stays text.
- Lists that MLflow leaves unordered are sorted, so that the same store gives the same bytes.

The JSON Schema is printed by ` + "`mlreport schema report`" + `. With ` + "`--compat seed`" + ` reports have the format of the seed tool instead: its types, its order of arrival, its artifact tree, no ` + "`manifest.format`" + `.

`

const docsTail = `
## index.json and models.csv

` + "`index.json`" + ` has a row for each object of the tree, and one for each entry of the manifest that gave none. ` + "`models.csv`" + ` is the same table for a spreadsheet: UTF-8 with a byte
order mark, rows in the same order, lists joined with commas, issues as their codes. A cell that begins with ` + "`=`, `+`, `-`, `@`" + ` or a control character gets an apostrophe in front, so
that no text of the data is a formula. What is not known is absent in the one and empty in the other.

| member | what it is |
|---|---|
| ` + "`status`" + ` | ` + "`ok`; `partial`" + `: the report has gaps; ` + "`stale`" + `: it could not be read this time, an earlier report was kept; ` + "`failed`" + `: there is no report |
| ` + "`uri`, `uris`" + ` | what the entry resolved to, and as it was asked for |
| ` + "`host`, `model`, `version`" + ` | the manifest's name of the store; registered model and version |
| ` + "`place`" + ` | folder below ` + "`model_reports`" + ` |
| ` + "`aliases`, `stage`" + ` | of the version; no stage where MLflow says ` + "`None`" + ` |
| ` + "`owner`" + ` | ` + "`owner:`" + ` of the entry, else the tag ` + "`owner`" + ` of the version, the registered model, the logged model or the run, else ` + "`owner:`" + ` of the manifest's ` + "`defaults`" + ` |
| ` + "`description`" + ` | of the version, else of the registered model, else the logged model's note |
| ` + "`created`" + ` | of the version, else of the logged model, else of the MLmodel file; UTC |
| ` + "`run`, `run_user`, `git_commit`" + ` | the training run, who ran it, and the commit of its code |
| ` + "`flavor`, `mlflow_version`, `signature`" + ` | of the MLmodel file; ` + "`signature`" + ` is true when it has one |
| ` + "`datasets`" + ` | what the run used: name, digest, context |
| ` + "`sections`, `files`, `lost`" + ` | what the report has, its files with sha256 and size, sections that an earlier report had (only in ` + "`index.json`" + `) |
| ` + "`issues`" + ` | as in the report |
`

// documentation writes the schema as a page for people.
func documentation(schema *mlflow.Object) []byte {
	var out bytes.Buffer
	out.WriteString(docsHead)
	out.WriteString("## Sections\n\n")
	writeTable(&out, schema, "section")
	for name, def := range schema.Object("$defs").All() {
		def := def.(*mlflow.Object)
		fmt.Fprintf(&out, "\n## %s\n\n%s\n", name, def.Text("description"))
		if def.Object("properties") != nil {
			out.WriteString("\n")
			writeTable(&out, def, "attribute")
		}
	}
	out.WriteString(docsTail)
	return out.Bytes()
}

func writeTable(out *bytes.Buffer, schema *mlflow.Object, what string) {
	fmt.Fprintf(out, "| %s | type | what it is | source | rule |\n|---|---|---|---|---|\n", what)
	for name, v := range schema.Object("properties").All() {
		a := v.(*mlflow.Object)
		cells := []string{"`" + name + "`", typeOf(a), a.Text("description") + values(a), a.Text("x-source"), a.Text("x-rule")}
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", "\\|")
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}

// typeOf says in words which values an attribute has.
func typeOf(a *mlflow.Object) string {
	if ref := a.Text("$ref"); ref != "" {
		name := strings.TrimPrefix(ref, "#/$defs/")
		return fmt.Sprintf("[%s](#%s)", name, name)
	}
	types := a.List("type")
	if types == nil {
		types = []any{a.Text("type")}
	}
	var words []string
	for _, t := range types {
		word := fmt.Sprint(t)
		if of := a.Object("items"); word == "array" && of != nil {
			word = "list of " + typeOf(of)
		}
		if of := a.Object("additionalProperties"); word == "object" && of != nil {
			word = "object of " + typeOf(of)
		}
		words = append(words, word)
	}
	if len(words) == 1 && words[0] == "" {
		return "any"
	}
	return strings.Join(words, " or ")
}

// values are the only ones that an attribute has.
func values(a *mlflow.Object) string {
	var list []string
	for _, v := range a.List("enum") {
		list = append(list, fmt.Sprintf("`%s`", v))
	}
	if list == nil {
		return ""
	}
	return ": " + strings.Join(list, ", ")
}
