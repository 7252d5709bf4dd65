package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// requirementFacts are what a model needs to run, by the names of packages: as
// package indexes compare them, so that two ways to write one stand side by
// side.
func requirementFacts(env *mlflow.Object) factList {
	l := factList{title: needs}
	for r := range env.Objects("requirements") {
		name := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(r.Text("name")))
		if name == "" { // an option or a path
			l.add("other", r.Text("text"))
			continue
		}
		l.add(name, requirementText(r))
	}
	for p := range env.Objects("conda_packages") {
		l.add("conda: "+p.Text("name"), first(p.Text("specifier"), "any"))
	}
	return l
}

// requirementText is what a requirement says behind its name.
func requirementText(r *mlflow.Object) string {
	out := first(r.Text("specifier"), r.Text("url"), "any")
	if extras := r.Text("extras"); extras != "" {
		out = "[" + extras + "] " + out
	}
	if marker := r.Text("marker"); marker != "" {
		out += "; " + marker
	}
	return out
}

// environment writes what the model needs to run.
func (p *page) environment(e *mlflow.Object) {
	if e == nil {
		return
	}
	p.section("Environment")
	p.part("Details")
	p.pairs("Name", members(e, "requirements", "conda_packages"))
	p.part("Requirements")
	p.table([]string{"Package", "Specifier", "Line"}, rowsOf(slices.Collect(e.Objects("requirements")), "name", "specifier", "text"))
	if e.Has("conda_packages") {
		p.part("Conda Packages")
		p.table([]string{"Package", "Specifier", "Line"}, rowsOf(slices.Collect(e.Objects("conda_packages")), "name", "specifier", "text"))
	}
}

// evidence lists the files that are kept beside the report.
func (p *page) evidence(kept *mlflow.Object) {
	if kept == nil {
		return
	}
	p.section("Evidence Files")
	var rows [][]any
	for path := range kept.All() {
		f := kept.Object(path)
		rows = append(rows, []any{path, Bytes(f.Text("bytes")), first(f.Text("file"), "left out: "+f.Text("left_out")), f.Text("sha256")})
	}
	p.table([]string{"File", "Size", "Copy", "SHA-256"}, rows)
}

// metricHistory writes the points of each metric, a line each.
func (p *page) metricHistory(h *mlflow.Object) {
	if h == nil {
		return
	}
	p.section("Metric History")
	var rows [][]any
	for key := range h.All() {
		for point := range h.Objects(key) {
			value, _ := point.Get("value")
			rows = append(rows, []any{key, point.Text("step"), moment(point.Text("timestamp")), value})
		}
	}
	p.table([]string{"Metric", "Step", "Time", "Value"}, rows)
}

// moment is a time in milliseconds since 1970 for people, in UTC.
func moment(ms string) string {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return ms
	}
	return time.UnixMilli(n).UTC().Format("2006-01-02 15:04:05.000")
}
