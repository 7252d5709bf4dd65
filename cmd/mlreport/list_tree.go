package main

import (
	"context"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/listing"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A treeLister lists what the reports of a finished tree show, each object
// once per host.
type treeLister struct{ dir string }

func (l treeLister) objects(_ context.Context, q listQuery, _ []listing.Column) iter.Seq2[*mlflow.Object, error] {
	filter, err := mlflow.ParseFilter(filterKind(q.kind), q.filter)
	if err != nil {
		return failing(errUsage{err})
	}
	registered := map[string]bool{}
	if q.unregistered {
		for doc, err := range l.reports() {
			if err != nil {
				return failing(err)
			}
			if v := doc.Object("model_version"); v != nil {
				registered[v.Text("model_id")], registered[v.Text("run_id")] = true, true
				registered[doc.Object("logged_model").Object("info").Text("model_id")] = true
			}
		}
	}
	rows := only(l.sections(q.kind), func(o *mlflow.Object) bool {
		return filter.Match(o) && viewOf(q.view).Shows(lifecycle(o)) && inExperiments(o, q.experiments) && !(q.unregistered && registered[idOf(q.kind, o)])
	})
	return kept(rows, q)
}

func filterKind(k listing.Kind) mlflow.FilterKind {
	switch k {
	case listing.RegisteredModels:
		return mlflow.ModelFilter
	case listing.ModelVersions:
		return mlflow.VersionFilter
	case listing.Experiments:
		return mlflow.ExperimentFilter
	case listing.Runs:
		return mlflow.RunFilter
	}
	return mlflow.LoggedModelFilter
}

// sectionOf is the section of a report that holds objects of a kind.
func sectionOf(k listing.Kind) string {
	switch k {
	case listing.RegisteredModels:
		return "registered_model"
	case listing.ModelVersions:
		return "model_version"
	case listing.Experiments:
		return "experiment"
	case listing.Runs:
		return "run"
	}
	return "logged_model"
}

func idOf(k listing.Kind, o *mlflow.Object) string {
	switch k {
	case listing.RegisteredModels:
		return o.Text("name")
	case listing.ModelVersions:
		return mlflow.ModelVersion{Object: o}.ID().String()
	case listing.Experiments:
		return o.Text("experiment_id")
	case listing.Runs:
		return mlflow.Run{Object: o}.ID()
	}
	return mlflow.LoggedModel{Object: o}.ID()
}

func lifecycle(o *mlflow.Object) string {
	if info := o.Object("info"); info != nil {
		o = info
	}
	return o.Text("lifecycle_stage")
}

// inExperiments tells whether a run or a logged model is in one of some
// experiments, by id or name; none: all.
func inExperiments(o *mlflow.Object, experiments []string) bool {
	info := o.Object("info")
	return len(experiments) == 0 || slices.Contains(experiments, info.Text("experiment_id")) || slices.Contains(experiments, info.Text(listing.ExperimentMember))
}

// sections streams one section of all reports, with what other sections say
// about it.
func (l treeLister) sections(k listing.Kind) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		seen := map[string]bool{}
		for doc, err := range l.reports() {
			if err != nil {
				yield(nil, err)
				return
			}
			o := doc.Object(sectionOf(k))
			key := doc.Object("manifest").Text("source") + "\n" + idOf(k, o)
			if o == nil || seen[key] {
				continue
			}
			seen[key] = true
			if !yield(withFacts(o, doc), nil) {
				return
			}
		}
	}
}

// withFacts adds what columns take from other sections of a report.
func withFacts(o, doc *mlflow.Object) *mlflow.Object {
	for member, key := range map[string]string{listing.FlavorMember: "model_flavor", listing.SizeMember: "model_size_bytes"} {
		if v, ok := doc.Object("mlflow_model").Get(key); ok {
			o = o.With(member, v)
		}
	}
	if info := o.Object("info"); info != nil && !info.Has(listing.ExperimentMember) {
		if name := doc.Object("experiment").Text("name"); name != "" && doc.Object("experiment").Text("experiment_id") == info.Text("experiment_id") {
			o = o.With("info", info.With(listing.ExperimentMember, name))
		}
	}
	return o
}

// reports streams the reports of the tree, in the order of its index.
func (l treeLister) reports() iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		index, done, err := treeIndex(l.dir)
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		reports := treeReports{dir: l.dir}
		defer reports.close()
		for row, err := range index.All() {
			if err == nil && row.Place == "" {
				continue
			}
			var doc *mlflow.Object
			if err == nil {
				doc, err = reports.of(row)
			}
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}
