package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// readFiles reads each item's MLmodel file, what belongs to it, and the list
// of the model's files when it is asked for.
func (c *chunk) readFiles(ctx context.Context) error {
	items := slices.Collect(c.live)
	var next atomic.Int64
	g, gctx := errgroup.WithContext(ctx)
	for range min(c.f.filesAtOnce(), len(items)) { // and not a goroutine for each, whose stack has to grow each time
		g.Go(func() error {
			for i := next.Add(1); int(i) <= len(items); i = next.Add(1) {
				if err := c.readFilesOf(gctx, items[i-1]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (c *chunk) readFilesOf(ctx context.Context, it *item) error {
	defer it.rescue()
	if err := c.readModelFile(ctx, it); err != nil {
		return err
	}
	if err := c.readRawModel(ctx, it); err != nil {
		return err
	}
	if err := c.readEnvironment(ctx, it); err != nil {
		return err
	}
	return c.listFiles(ctx, it)
}

// rescue is deferred: a mistake of the program that a file brings to light
// costs its own report only.
func (it *item) rescue() {
	if p := recover(); p != nil {
		it.fail(mlflow.NewIssue("entry", mlflow.Unavailable, it.Ref), fmt.Errorf("mlreport made a mistake with the files of %s, please report it: %v", it.Ref, p))
	}
}

// readModelFile reads MLmodel from the first place that has one. A place that
// may have one, but does not give it, ends the search: what lies in the next
// would be another model's.
func (c *chunk) readModelFile(ctx context.Context, it *item) error {
	if len(it.places) == 0 {
		it.lackPlace()
		return nil
	}
	var missing error // where it should be
	for i, at := range it.places {
		f, err := c.f.Artifacts.ReadFile(ctx, at, "MLmodel", MLmodelLimit, it.fileMayBe(at))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			it.places = it.places[i : i+1]
			it.takeModelFile(at, f)
			return nil
		case !errors.Is(err, mlflow.ErrNotFound):
			it.lackFile(fileIssue("mlflow_model", err, at, "MLmodel"), err)
			return nil
		case missing == nil:
			missing = err
		}
	}
	it.lackFile(fileIssue("mlflow_model", missing, it.places[0], "MLmodel"), missing)
	return nil
}

// lackPlace notes that it is not known where the files are.
func (it *item) lackPlace() {
	uri := it.Ref.String()
	if it.viaRun != nil {
		uri = it.viaRun.String()
	}
	missing := mlflow.NewIssue("mlflow_model", mlflow.ArtifactMissing, uri+"/MLmodel")
	if it.unknown == nil || errors.Is(it.unknown, mlflow.ErrUnsupported) {
		it.lackFile(missing, nil)
		return
	}
	it.lackFile(IssueOf("mlflow_model", it.unknown, missing, "the files of "+uri), it.unknown)
}

// lackFile notes that there is no MLmodel; an entry that names nothing but a
// folder of files fails with it.
func (it *item) lackFile(i mlflow.Issue, err error) {
	if it.Ref.Kind == mlflow.LocationRef {
		it.fail(i, err)
		return
	}
	it.lack(i, err)
}

// nameOf is a file, or with "" the folder, in the words of an issue, which
// people see on their screens: as MLflow stores it, less secrets.
func nameOf(at Location, file string) string { return below(mlflow.Redact(at.URI), file) }

// fileIssue says in a report why a file of a folder is not there.
func fileIssue(section string, err error, folder Location, file string) mlflow.Issue {
	at := nameOf(folder, file)
	switch {
	case errors.Is(err, mlflow.ErrUnsupported):
		return mlflow.NewIssue(section, mlflow.ArtifactUnsupported, at)
	case errors.Is(err, mlflow.ErrOutside):
		return mlflow.NewIssue(section, mlflow.ArtifactOutside, at)
	case errors.Is(err, mlflow.ErrTooLarge):
		return mlflow.NewIssue(section, mlflow.MLmodelTooLarge, at)
	}
	return IssueOf(section, err, mlflow.NewIssue(section, mlflow.ArtifactMissing, at), at)
}

func (it *item) takeModelFile(at Location, f File) {
	content, code := it.contentOf(f)
	file := mlflow.ModelFile{URI: at.URI, Data: f.Data, Content: content, RelocatedFrom: f.RelocatedFrom}
	if file.Data == nil && !it.fileLeft {
		file.Data = []byte{}
	}
	if f.RelocatedFrom != "" {
		if issue, wrong := it.contradicts(content); wrong {
			it.lackFile(issue, nil)
			return
		}
		it.lack(mlflow.NewIssue("mlflow_model", mlflow.Relocated, nameOf(at, "")), nil)
	}
	it.b.File = file
	if code != "" {
		it.lackFile(mlflow.NewIssue("mlflow_model", code, nameOf(at, "MLmodel")), nil)
	}
}

// contradicts tells whether a file that was found elsewhere is another
// model's: then it must not stand in the report. The logged model that it names
// decides, else the run.
func (it *item) contradicts(content *mlflow.Object) (mlflow.Issue, bool) {
	var models, runs []string
	for _, id := range it.owners(it.places[0].URI) {
		if strings.HasPrefix(id, "m-") {
			models = append(models, id)
		} else {
			runs = append(runs, id)
		}
	}
	for _, says := range []struct {
		key   string
		known []string
	}{{"model_id", models}, {"run_id", runs}} {
		id := content.Text(says.key)
		switch {
		case id == "" || len(says.known) == 0:
			continue
		case slices.Contains(says.known, id):
			return mlflow.Issue{}, false
		}
		return mlflow.NewIssue("mlflow_model", mlflow.LineageBroken, it.Ref, strings.Join(says.known, " or "), "the MLmodel file that was found", says.key+" "+id), true
	}
	return mlflow.Issue{}, false
}

// contentOf is what an MLmodel file says, or what is wrong with it. Of a file
// that is as it was it is only what other reads depend on.
func (it *item) contentOf(f File) (*mlflow.Object, mlflow.Code) {
	if f.Unchanged {
		it.fileLeft, it.sums.MLmodel, it.stamp = true, it.Target.Known.SHA256, it.Target.Known.Stamp
		return it.Target.Known.content(), ""
	}
	it.sums.MLmodel, it.stamp = sum(f.Data), f.Stamp
	return parseMLmodel(f.Data)
}

// parseMLmodel reads the file's content, or says what is wrong with it.
func parseMLmodel(data []byte) (*mlflow.Object, mlflow.Code) {
	if len(data) == 0 {
		return nil, mlflow.MLmodelEmpty
	}
	v, err := mlflow.DecodeYAML(data)
	if errors.Is(err, mlflow.ErrTooLarge) {
		return nil, mlflow.MLmodelTooLarge
	}
	if err != nil {
		return nil, mlflow.MLmodelNotYAML
	}
	o, ok := v.(*mlflow.Object)
	if !ok {
		return nil, mlflow.MLmodelNotMapping
	}
	return o, ""
}

// listFiles lists the model's files beside its MLmodel, without which a report
// has no place for them.
func (c *chunk) listFiles(ctx context.Context, it *item) error {
	if it.MaxLevel == 0 || it.b.File.Content == nil || it.listIsKnown() {
		return nil
	}
	list, issue, err := ListFiles(ctx, c.f.Artifacts, it.places[0], "mlflow_model", it.MaxLevel)
	if issue != nil {
		it.lack(*issue, err)
		return nil
	}
	if it.b.Files = list; list != nil {
		it.sums.List = listSum(list)
	}
	return err
}

// ListFiles lists what lies below a location, maxLevel levels deep (-1: all).
// When it cannot be listed, the issue says so in a report's words and the
// error in the store's; an error without an issue means that ctx ended.
func ListFiles(ctx context.Context, a Artifacts, at Location, section string, maxLevel int) (*mlflow.FileList, *mlflow.Issue, error) {
	list := &mlflow.FileList{MaxLevel: maxLevel}
	for f, err := range a.List(ctx, at, "", maxLevel) {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err == nil && len(list.Files) == maxFiles {
			err = fmt.Errorf("more than %d files below %s: %w", maxFiles, nameOf(at, ""), mlflow.ErrTooLarge)
		}
		if err != nil {
			issue := fileIssue(section, err, at, "")
			if errors.Is(err, mlflow.ErrTooLarge) {
				issue = mlflow.NewIssue(section, mlflow.TooLarge, "the list of files at "+nameOf(at, ""))
			}
			return nil, &issue, err
		}
		list.Files = append(list.Files, f)
	}
	return list, nil, nil
}
