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
			data = []byte(sheet.Text(o))
		} else {
			data = []byte(sheet.SideBySide(o))
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
	if file, ok := reportFile(c.Model); ok {
		doc, err := readReport(file)
		return []*mlflow.Object{doc}, 0, err
	}
	h, all, err := s.storeHere(ctx, c.storeFlags)
	if err != nil {
		return nil, 0, err
	}
	s.sayChoice(all)
	o := s.openHost(ctx, h, s.logger())
	defer o.close(s.logger())
	if o.Err != nil {
		return nil, 0, o.Err
	}
	sh := &shower{opened: o, session: s, enrich: enrich.Options{UI: o.UI, Workspace: o.Workspace, TrackingURI: o.Tracking}}
	ref, single, err := c.ref()
	if err != nil {
		return nil, 0, err
	}
	if single {
		doc, err := sh.document(ctx, ref)
		return []*mlflow.Object{doc}, 0, err
	}
	return sh.versions(ctx, c.Model, c.Last)
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
	b, _, err := s.bundle(ctx, ref)
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
		targets = append(targets, fetch.Target{Ref: v.ID().Ref(), Version: &v, MaxLevel: -1})
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

// fromTree reads the reports of a finished tree.
func (c *showCmd) fromTree() (docs []*mlflow.Object, more int, err error) {
	rows, models, err := c.rows()
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 {
		hint := "mlreport run writes it"
		if near := manifest.Nearest(c.Model, models); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return nil, 0, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there is no report of %s in %s", c.Model, c.Tree), Hint: hint}
	}
	if c.Last > 0 && len(rows) > c.Last {
		more = len(rows) - c.Last
		rows = rows[more:]
	}
	for _, r := range rows {
		doc, err := treeReport(c.Tree, r)
		if err != nil {
			return nil, 0, err
		}
		docs = append(docs, doc)
	}
	return docs, more, nil
}

// rows are those of a tree that the model names, by URI or as all versions of
// a name; models are the names that there are.
func (c *showCmd) rows() (rows []report.Row, models []string, err error) {
	index, done, err := treeIndex(c.Tree)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	uri := c.Model
	if ref, ok, err := c.ref(); err == nil && ok {
		uri = ref.String()
	}
	for row, err := range index.All() {
		if err != nil {
			return nil, nil, fmt.Errorf("reading index.json of %s: %w", c.Tree, err)
		}
		if row.Model != "" && !slices.Contains(models, row.Model) {
			models = append(models, row.Model)
		}
		if row.Place != "" && (row.Model == c.Model || row.URI == uri || slices.Contains(row.URIs, uri)) {
			rows = append(rows, row)
		}
	}
	return rows, models, nil
}
