package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/view"
)

// showCmd shows one model, or the versions of one, for people.
type showCmd struct {
	Model   string `arg:"" help:"Model URI (models:/name/3, models:/name@alias, runs:/<id>/path), name of a registered model, or a report.json."`
	AllRows bool   `help:"All facts, and all of each: also those that are equal in all versions."`
	Last    int    `default:"5" help:"Of a name: how many versions to put side by side, the newest; 0: all."`
	Tree    string `placeholder:"DIR" help:"Read the reports of this finished tree instead of a store."`
	storeFlags
	formatFlag
}

// maxReport is the largest report.json that is read, in bytes.
const maxReport = 256 << 20

// Run finds the reports and prints them.
func (c *showCmd) Run(ctx context.Context, s *session) error {
	docs, more, err := c.documents(ctx, s)
	if err != nil {
		return err
	}
	sheet := view.Compare(docs)
	if err := c.print(s, sheet); err != nil {
		return err
	}
	if more > 0 && !s.cli.Quiet {
		fmt.Fprintf(s.Stderr, "the newest %d of %d versions: --last 0 shows all\n", len(docs), len(docs)+more)
	}
	return nil
}

func (c *showCmd) print(s *session, sheet view.Sheet) error {
	o := view.TextOptions{Columns: s.columns(), All: c.AllRows}
	var data []byte
	switch c.Output {
	case "json":
		data = mlflow.EncodeReport(sheet.JSON())
	case "csv":
		data = sheet.Table().CSV()
	case "markdown":
		data = []byte(sheet.Markdown())
	default:
		if len(sheet.Models) == 1 {
			data = s.paint(sheet.Text(o), false)
		} else {
			data = s.paint(sheet.SideBySide(o), false)
		}
	}
	_, err := s.Stdout.Write(data)
	return err
}

// documents are the reports to show, the oldest version first; more is how
// many versions are left out.
func (c *showCmd) documents(ctx context.Context, s *session) (docs []*mlflow.Object, more int, err error) {
	if c.Tree != "" {
		return c.fromTree()
	}
	if file, ok := reportFile(c.Model); ok && (whatIs(file) == aReport || whatIs(file) == "") {
		doc, err := readReport(file)
		return []*mlflow.Object{doc}, 0, err
	}
	p, err := c.subject(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	o := s.openHost(ctx, p.hosts[0], s.logger())
	defer o.close(s.logger())
	if o.Err != nil {
		return nil, 0, o.Err
	}
	sh := &shower{opened: o, session: s, enrich: enrich.Options{UI: o.UI, Workspace: o.Workspace, TrackingURI: o.Tracking}}
	for _, e := range p.entries {
		if e.Select != nil {
			name, _ := e.Select.Models.Name()
			return sh.versions(ctx, name, c.Last)
		}
		doc, err := sh.document(ctx, e.Ref)
		if err != nil {
			return nil, 0, err
		}
		docs = append(docs, doc)
	}
	return docs, 0, nil
}

// subject is what to show, in the words of a batch: the models that a word
// names, or all versions of a name.
func (c *showCmd) subject(ctx context.Context, s *session) (*plan, error) {
	if err := ofWindows(c.Model); err != nil {
		return nil, errUsage{err}
	}
	if _, isPage := mlflow.ParsePage(c.Model); isHTTP(c.Model) && !isPage {
		hint := fmt.Sprintf("%s --tracking-uri %s shows its models", s.program(), shellWord(cleanURI(c.Model)))
		return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("%s is a server, not a model", cleanURI(c.Model))}, Hint: hint}
	}
	folder, isModel := modelFolder(c.Model)
	isPath := strings.ContainsAny(c.Model, `/\`) || filepath.Ext(c.Model) != "" || whatIs(c.Model) == aTree
	if !isModel && isPath {
		if err := s.otherThan("a model", c.Model); err != nil {
			return nil, err
		}
	}
	col := &collector{session: s, askedFlags: askedFlags{storeFlags: c.storeFlags}, log: s.logger(), plan: &plan{}}
	ref, single, err := c.ref()
	switch {
	case isHTTP(c.Model):
		return col.plan, col.word(ctx, c.Model)
	case isModel:
		return col.plan, col.modelFolder(ctx, c.Model, folder)
	case err != nil:
		return nil, err
	case single:
		return col.plan, col.model(ctx, manifest.Entry{URI: ref.String(), Ref: ref})
	}
	all, err := manifest.ParsePattern(manifest.Literal(c.Model))
	if err != nil {
		return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("%q is no name of a model", c.Model)}, Hint: s.program() + " shows the names there are"}
	}
	return col.plan, col.model(ctx, manifest.Entry{Select: &manifest.Select{Models: all}})
}

// ref reads a model URI, or its short form `name/3` or `name@alias`; false
// says that the word is the name of a registered model.
func (c *showCmd) ref() (mlflow.Ref, bool, error) {
	if strings.HasPrefix(c.Model, "models:") || strings.HasPrefix(c.Model, "runs:") {
		ref, err := parseRef(c.Model)
		return ref, true, err
	}
	if strings.ContainsAny(c.Model, "/@") {
		if ref, err := mlflow.ParseRef("models:/" + c.Model); err == nil {
			return ref, true, nil
		}
	}
	return mlflow.Ref{}, false, nil
}

// reportFile is the report that a path names: the file itself or that in a
// folder.
func reportFile(path string) (string, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	if info.IsDir() {
		path = filepath.Join(path, "report.json")
		info, err = os.Stat(path)
	}
	return path, err == nil && info.Mode().IsRegular()
}

// readReport reads a report.json.
func readReport(path string) (*mlflow.Object, error) {
	wrong := func(err error) error {
		return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is not a report: %w", path, err)}, Hint: "give a report.json that mlreport wrote"}
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxReport {
		return nil, wrong(fmt.Errorf("it is larger than %d MB", maxReport>>20))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, wrong(withoutPath(err))
	}
	v, err := mlflow.DecodeReport(data)
	if err != nil {
		return nil, wrong(err)
	}
	doc, ok := v.(*mlflow.Object)
	if !ok || doc.Object("manifest").Text("model_uri") == "" {
		return nil, wrong(errors.New("it names no model"))
	}
	return doc, nil
}

// document is the wide report of one model, as run would write it.
func (s *shower) document(ctx context.Context, ref mlflow.Ref) (*mlflow.Object, error) {
	b, _, err := s.bundle(ctx, fetch.Target{Ref: ref, MaxLevel: -1, Environment: true})
	if err != nil {
		return nil, err
	}
	return s.wide(b), nil
}

func (s *shower) wide(b *mlflow.Bundle) *mlflow.Object {
	return report.New(enrich.Bundle(b, s.enrich), report.Options{Source: s.Tracking, Timestamp: s.Now()})
}

// versions are the reports of a registered model's newest versions.
func (s *shower) versions(ctx context.Context, name string, last int) (docs []*mlflow.Object, more int, err error) {
	var targets []fetch.Target
	for v, err := range s.Source.ListVersions(ctx, fetch.Query{Models: []string{name}}) {
		if err != nil {
			return nil, 0, err
		}
		targets = append(targets, fetch.Target{Ref: v.ID().Ref(), Version: &v, MaxLevel: -1, Environment: true})
	}
	if len(targets) == 0 {
		return nil, 0, s.noVersions(ctx, name)
	}
	if last > 0 && len(targets) > last {
		more = len(targets) - last
		targets = targets[more:]
	}
	f := &fetch.Fetcher{Source: s.Source, Artifacts: s.Artifacts, Log: s.logger()}
	for some := range slices.Chunk(targets, 200) {
		outcomes, err := f.Fetch(ctx, some)
		if err != nil {
			return nil, 0, err
		}
		for i, out := range outcomes {
			if out.Failed != nil {
				return nil, 0, s.notHad(ctx, some[i].Ref, *out.Failed, out.Errs)
			}
			docs = append(docs, s.wide(out.Bundle))
		}
	}
	return docs, more, nil
}

// noVersions says why a name has no versions to show.
func (s *shower) noVersions(ctx context.Context, name string) error {
	if _, err := s.model(ctx, name); err != nil {
		return err
	}
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrNotFound, "registered model %q has no versions in %s", name, s.registryAt),
		Hint: "mlreport get-registered-model --registered-model " + shellWord(name) + " prints what there is",
	}
}
