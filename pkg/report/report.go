package report

import (
	"slices"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Format is the version of the report's format, `manifest.format`.
const Format = 1

// Options say what stands in a report beside MLflow's objects.
type Options struct {
	Source        string    // the tracking URI, without user info and query
	Timestamp     time.Time // of the batch
	Compat        bool      // the seed tool's manifest and sections
	MLflowVersion string    // what the seed tool shows of its client; only with Compat
}

// New makes the wide report of an enriched bundle. A section is absent when
// there is nothing to show; then Issues says why, unless MLflow has none of
// that kind.
func New(b *mlflow.Bundle, o Options) *mlflow.Object {
	doc := mlflow.NewObject(mlflow.Member{Key: "manifest", Value: manifest(b, o)})
	addObject(doc, "mlflow_model", modelSection(b, o.Compat))
	addObject(doc, "run", runSection(b, o.Compat))
	addObject(doc, "experiment", withPermissions(b.Experiment.Object, b.ExperimentPermissions))
	addObject(doc, "registered_model", registeredModelSection(b))
	addObject(doc, "model_version", b.ModelVersion.Object)
	addObject(doc, "logged_model", b.LoggedModel.Object)
	if len(b.CopiedFrom) > 0 {
		doc.Append("copied_from", copiedFrom(b.CopiedFrom))
	}
	addObject(doc, "mlflow_model_raw", rawModelSection(b.RawModel))
	addObject(doc, "environment", b.Environment)
	if b.KeptFiles != nil {
		doc.Append("files", filesSection(b.KeptFiles))
	}
	if b.MetricHistory != nil {
		doc.Append("metric_history", b.MetricHistory.Object())
	}
	addObject(doc, "lineage", lineage(b))
	if b.ServingEndpoints != nil {
		doc.Append("serving_endpoints", b.ServingEndpoints)
	}
	if len(b.TableLineage) > 0 {
		doc.Append("table_lineage", tableLineage(b.TableLineage))
	}
	addIssues(doc, Issues(b))
	return doc
}

// Sections names the sections of a report in its order: all that it holds but
// what says where it comes from and what is missing.
func Sections(doc *mlflow.Object) []string {
	names := make([]string, 0, doc.Len())
	for name := range doc.All() {
		if IsSection(name) {
			names = append(names, name)
		}
	}
	return names
}

// IsSection tells whether a member of a report is a section.
func IsSection(member string) bool { return member != "manifest" && member != "issues" }

func manifest(b *mlflow.Bundle, o Options) *mlflow.Object {
	m := mlflow.NewObject(
		mlflow.Member{Key: "model_uri", Value: b.URI.String()},
		mlflow.Member{Key: "source", Value: o.Source},
		mlflow.Member{Key: "model_uris", Value: modelURIs(b)},
	)
	if o.Compat {
		m.Append("mlflow_version", o.MLflowVersion)
	}
	m.Append("timestamp", o.Timestamp.UTC().Format(time.DateTime))
	if !o.Compat {
		m.Append("format", mlflow.Integer(Format))
	}
	return m
}

// modelSection is the MLmodel file, and where it was not, when it was found
// elsewhere.
func modelSection(b *mlflow.Bundle, compat bool) *mlflow.Object {
	if b.File.Content == nil || b.File.RelocatedFrom == "" || compat {
		return b.File.Content
	}
	return b.File.Content.With("_relocated_from", b.File.RelocatedFrom)
}

// runSection is the run, and which object named it.
func runSection(b *mlflow.Bundle, compat bool) *mlflow.Object {
	if b.Run.Object == nil || b.RunFoundBy == "" || compat {
		return b.Run.Object
	}
	return b.Run.Object.With("_found_by", b.RunFoundBy)
}

// registeredModelSection leaves out the latest versions: a new version must
// not change the reports of the old ones.
func registeredModelSection(b *mlflow.Bundle) *mlflow.Object {
	m := b.RegisteredModel
	if b.PermittedModel.Object != nil {
		m = b.PermittedModel
	}
	if m.Object == nil {
		return nil
	}
	out := &mlflow.Object{}
	for k, v := range m.All() {
		if k != "latest_versions" {
			out.Append(k, v)
		}
	}
	if b.Permissions != nil {
		out.Set("permissions", b.Permissions)
	}
	return out
}

func copiedFrom(chain []mlflow.Copied) []any {
	return mlflow.List(chain, func(c mlflow.Copied) any {
		o := &mlflow.Object{}
		addObject(o, "model_version", c.ModelVersion.Object)
		addObject(o, "run", c.Run.Object)
		return o
	})
}

// tableLineage shows of each table its name, then what the platform says.
func tableLineage(tables []mlflow.TableLineage) []any {
	list := make([]any, len(tables))
	for i, t := range tables {
		o := mlflow.NewObject(mlflow.Member{Key: "table_name", Value: t.Table})
		for k, v := range t.Lineage.All() {
			o.Set(k, v)
		}
		list[i] = o
	}
	return list
}

func rawModelSection(m *mlflow.RawModel) *mlflow.Object {
	if m == nil {
		return nil
	}
	o := mlflow.NewObject(mlflow.Member{Key: "model_type", Value: m.Type})
	addText(o, "loader_module", m.LoaderModule)
	addObject(o, "mlflow_model", m.Content)
	addObject(o, "feature_spec", m.FeatureSpec)
	return o
}

// filesSection lists the copies beside the report, and what was left out.
func filesSection(files []mlflow.KeptFile) *mlflow.Object {
	out := &mlflow.Object{}
	for _, f := range files {
		o := &mlflow.Object{}
		addText(o, "file", f.Place)
		o.Append("bytes", mlflow.Integer(f.Bytes))
		addText(o, "sha256", f.SHA256)
		addText(o, "left_out", string(f.LeftOut))
		out.Append(f.Path, o)
	}
	return out
}

// Issues are a bundle's issues as a report shows them: in order, and with the
// reason why there is no experiment when that is only that there is no run.
func Issues(b *mlflow.Bundle) []mlflow.Issue {
	issues := slices.Clone(b.Issues)
	if b.Run.Object == nil && b.Experiment.Object == nil && !inSection(issues, "experiment") {
		for _, i := range b.Issues {
			if i.Section == "run" && i.Code != mlflow.LineageBroken { // which is no reason
				i.Section = "experiment"
				issues = append(issues, i)
			}
		}
	}
	return mlflow.SortIssues(issues)
}

func inSection(issues []mlflow.Issue, sections ...string) bool {
	return slices.ContainsFunc(issues, func(i mlflow.Issue) bool { return slices.Contains(sections, i.Section) })
}

func addObject(to *mlflow.Object, key string, o *mlflow.Object) {
	if o != nil {
		to.Append(key, o)
	}
}
