package batch

import (
	"context"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// CompatMLflow is the version of MLflow's client that reports in the seed
// tool's format name: that of the time when its format was last changed.
const CompatMLflow = "2.4.1"

// A job is one object to read, and what all entries that ask for it want.
type job struct {
	target   fetch.Target
	entries  []int
	levels   manifest.Level // of artifacts in the report
	objects  bool
	page     bool   // report.md
	question []byte // see lane.question
	writes   []placing
	again    bool // what is known of its files has proved wrong
}

// A placing is one report of a job. Mostly there is one; a job has several
// when entries gave it several names.
type placing struct {
	place   string
	entries []int
}

// jobOf makes the job of one object, with its place. Objects come in runs
// that the same entries ask for, so what these want is worked out once.
func (l *lane) jobOf(ctx context.Context, s fetch.Selected) (job, error) {
	if !slices.Equal(l.wanted.entries, s.Entries) {
		l.wanted = l.unite(ctx, s.Entries)
	}
	j := l.wanted
	j.target.Ref, j.target.Version = s.Ref, s.Version
	for n, name := range l.names(s.Entries) {
		place, err := l.places.Report(l.host.Name, s.Ref, name)
		if err != nil {
			return j, err
		}
		p := placing{place: place}
		for _, i := range s.Entries {
			if own := l.Entries[i].Name; own == name || own == "" && n == 0 {
				p.entries = append(p.entries, i)
			}
		}
		j.writes = append(j.writes, p)
	}
	return j, nil
}

// unite unites what entries want of an object that all of them ask for.
func (l *lane) unite(ctx context.Context, entries []int) job {
	j := job{entries: entries}
	var wants []manifest.Entry
	for _, i := range entries {
		e := l.Entries[i]
		j.objects = j.objects || e.Objects
		j.page = j.page || e.Markdown
		j.target.Lineage = j.target.Lineage || e.Lineage
		j.levels = deeper(j.levels, e.ArtifactMaxLevel)
		j.target.Environment = j.target.Environment || e.Environment
		wants = append(wants, e)
		j.target.Permissions = j.target.Permissions || e.Permissions
		j.target.Serving = j.target.Serving || e.Serving
		j.target.TableLineage = j.target.TableLineage || e.TableLineage
		j.target.History = int(deeper(manifest.Level(j.target.History), e.MetricHistory))
	}
	j.target.Copy = copying(wants)
	j.target.MaxLevel = int(j.levels)
	if j.objects {
		j.target.MaxLevel = -1 // get-mlflow-model always lists all files
	}
	j.question = l.question(ctx, j)
	return j
}

func deeper(a, b manifest.Level) manifest.Level {
	if a == manifest.AllLevels || b == manifest.AllLevels {
		return manifest.AllLevels
	}
	return max(a, b)
}

// EnrichOptions are how the objects of a host are enriched.
func EnrichOptions(ctx context.Context, h Host, compat bool) enrich.Options {
	o := enrich.Options{UI: h.UI, Workspace: h.Workspace, TrackingURI: h.Tracking, Compat: compat, Databricks: h.Databricks, UnityCatalog: h.UnityCatalog}
	if h.WorkspaceID != nil {
		o.WorkspaceID = h.WorkspaceID(ctx)
	}
	return o
}

// write makes the reports of one job and their rows. A mistake of the program
// that data brings to light ends this job only.
func (l *lane) write(ctx context.Context, f *fetch.Fetcher, w *work) (err error) {
	var copies staged
	defer func() {
		if p := recover(); p != nil {
			l.unstage(copies)
			l.crashed(w.job, p)
		}
	}()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	known := len(w.Bundle.Issues)
	if copies, err = l.copyFiles(ctx, f, w.job, &w.Outcome); err == nil {
		if len(w.Bundle.Issues) > known { // which are about copies, of which inputs tell nothing
			w.inputs = ""
		}
		err = l.writeAll(ctx, w, copies)
	}
	l.unstage(copies)
	if sink.OfOnePlace(err) {
		l.fail(failure{w.entries, w.target.Ref, mlflow.NewIssue("entry", mlflow.Unavailable, w.target.Ref), []error{err}})
		return nil
	}
	return err
}

// writeAll writes the reports of a job. The copies that reports take over are
// copies no more.
func (l *lane) writeAll(ctx context.Context, w *work, copies staged) error {
	if w.Bundle.TextSize() > heavyBundle {
		l.heavy.Lock()
		defer l.heavy.Unlock()
	}
	enriched := w.shared.Bundle(w.Bundle, l.enrichOptions(ctx))
	doc := report.New(withFiles(enriched, w.Bundle, w.levels, l.enrichOptions(ctx)), report.Options{
		Source: l.host.Tracking, Timestamp: l.Timestamp, Compat: l.Compat, MLflowVersion: CompatMLflow,
	})
	w.room = mlflow.AppendReport(w.room[:0], doc)
	r := sink.Report{JSON: w.room, Sections: report.Sections(doc), MLmodel: w.Bundle.File.Data, Issues: report.Issues(w.Bundle), Unasked: w.unasked(), Markdown: w.page}
	if w.target.Copy != nil {
		r.Wants = w.target.Copy.Match
	}
	inventory := report.InventoryOf(doc)
	for _, p := range w.writes {
		r.Place, r.Files = p.place, copies[p.place]
		if w.objects {
			var err error
			if r.Objects, err = l.objectFiles(w.Bundle, enriched, p.place); err != nil {
				return err
			}
		}
		if err := l.writeOne(w, p, r, inventory); err != nil {
			return err
		}
		delete(copies, p.place)
	}
	return nil
}

// unasked lists the sections that nobody asked for: if an earlier report has
// them, they are not lost.
func (j job) unasked() []string {
	var out []string
	if j.target.Copy == nil {
		out = append(out, "files")
	}
	if !j.target.Environment {
		out = append(out, "environment")
	}
	if j.target.History == 0 {
		out = append(out, "metric_history")
	}
	if !j.target.Lineage {
		out = append(out, "lineage")
	}
	if !j.target.Serving {
		out = append(out, "serving_endpoints")
	}
	if !j.target.TableLineage {
		out = append(out, "table_lineage")
	}
	return out
}

func (l *lane) enrichOptions(ctx context.Context) enrich.Options {
	return EnrichOptions(ctx, l.host, l.Compat)
}

// withFiles gives a bundle the listing of files that its report wants, when
// deeper ones were listed for its objects.
func withFiles(enriched, raw *mlflow.Bundle, levels manifest.Level, o enrich.Options) *mlflow.Bundle {
	if raw.Files == nil || raw.Files.MaxLevel == int(levels) {
		return enriched
	}
	cut := *raw
	cut.Files = filesDownTo(raw.Files, int(levels))
	out := *enriched
	out.File.Content = enrich.Bundle(&cut, o).File.Content
	return &out
}

// filesDownTo is what a listing of that depth would have shown.
func filesDownTo(l *mlflow.FileList, level int) *mlflow.FileList {
	if level == 0 {
		return nil
	}
	out := &mlflow.FileList{MaxLevel: level}
	for _, f := range l.Files {
		if level < 0 || strings.Count(f.Path, "/") < level {
			out.Files = append(out.Files, f)
		}
	}
	return out
}

// objectFiles are the documents that the commands for single objects print,
// each named by its own id or name.
func (l *lane) objectFiles(raw, b *mlflow.Bundle, place string) ([]sink.ObjectFile, error) {
	h := l.host.Name
	files := []sink.ObjectFile{}
	add := func(kind, at string, doc *mlflow.Object) {
		files = append(files, sink.ObjectFile{Path: kind + "/" + at, JSON: report.Encode(doc)})
	}
	if b.File.Content != nil {
		add("mlflow_models", place, report.MLmodelDocument(b, false, l.Compat))
	}
	if id := raw.Run.ID(); id != "" {
		add("runs", l.places.ID(h, "runs", id), report.RunDocument(b.Run, nil, nil))
	}
	if id := raw.Experiment.ID(); id != "" {
		add("experiments", l.places.ID(h, "experiments", id), report.ExperimentDocument(b.Experiment, nil, nil, nil))
	}
	if raw.ModelVersion.Object != nil {
		add("model_versions", l.places.Version(h, raw.ModelVersion.ID()), report.ModelVersionDocument(b.ModelVersion, nil, nil))
	}
	if raw.RegisteredModel.Object != nil {
		add("registered_models", l.places.Model(h, raw.RegisteredModel.Name()), report.RegisteredModelDocument(b.RegisteredModel, nil, nil, nil))
	}
	if id := raw.LoggedModel.ID(); id != "" {
		add("logged_models", l.places.ID(h, "logged_models", id), report.LoggedModelDocument(b.LoggedModel, nil))
	}
	return files, nil
}
