package fetch

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The section of reports that lists kept files.
const filesSection = "files"

// What the paths of kept files begin with.
const (
	ofModel = "model/"
	ofRun   = "run/"
)

// A Copying says which files of a model and of its run are to be kept beside
// its report. MLmodel is not among them: it is always kept.
type Copying struct {
	Model, Run bool                   // whether any of them may match: to list them costs requests
	Match      func(path string) bool // of paths as mlflow.KeptFile has them
	Example    bool                   // the model's input example, whatever its name is
}

// A WantedFile is one to be kept.
type WantedFile struct {
	Path  string // as mlflow.KeptFile has it
	Bytes int64  // as listed

	at   Location
	file string // below at
	data []byte // when it has been read already
}

// ReadWanted reads a file that is to be kept, at most limit bytes. When there
// is none, the issue says so in a report's words and the error in the store's;
// an error without an issue means that ctx ended, or that it is too large.
func (f *Fetcher) ReadWanted(ctx context.Context, w WantedFile, limit int64) ([]byte, *mlflow.Issue, error) {
	if w.data != nil && int64(len(w.data)) <= limit {
		return w.data, nil, nil
	}
	got, err := f.Artifacts.ReadFile(ctx, w.at, w.file, limit, Stamp{})
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case errors.Is(err, mlflow.ErrTooLarge):
		return nil, nil, err
	case err != nil:
		issue := fileIssue(filesSection, err, w.at, w.file)
		return nil, &issue, err
	}
	return got.Data, nil, nil
}

// listWanted lists what is to be kept of each item.
func (c *chunk) listWanted(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.f.filesAtOnce())
	for it := range c.live {
		if it.Copy != nil {
			g.Go(func() error { return c.listWantedOf(gctx, it) })
		}
	}
	return g.Wait()
}

func (c *chunk) listWantedOf(ctx context.Context, it *item) error {
	defer it.rescue()
	if it.Copy.Model {
		if err := c.listOfModel(ctx, it); err != nil {
			return err
		}
	}
	if it.Copy.Run {
		if err := c.listOfRun(ctx, it); err != nil {
			return err
		}
	}
	slices.SortFunc(it.wanted, func(a, b WantedFile) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// listOfModel lists the files of the model, when it has an MLmodel file.
func (c *chunk) listOfModel(ctx context.Context, it *item) error {
	if it.b.File.URI == "" {
		it.hidden("mlflow_model", "logged_model")
		return nil
	}
	list := it.b.Files
	if list == nil || list.MaxLevel >= 0 {
		var issue *mlflow.Issue
		var err error
		if list, issue, err = ListFiles(ctx, c.f.Artifacts, it.places[0], filesSection, -1); issue != nil {
			it.lack(*issue, err)
			return nil
		} else if err != nil {
			return err
		}
	}
	examples := it.examples()
	for _, f := range list.Files {
		p := ofModel + f.Path
		if f.Dir || f.Path == "MLmodel" || !it.Copy.Match(p) && !slices.Contains(examples, f.Path) {
			continue
		}
		it.wanted = append(it.wanted, WantedFile{p, f.Bytes, it.places[0], f.Path, it.environmentFile(f.Path)})
	}
	return nil
}

// examples are the files of the model's input example, if they are wanted.
func (it *item) examples() []string {
	if !it.Copy.Example {
		return nil
	}
	info := it.b.File.Content.Object("saved_input_example_info")
	return slices.DeleteFunc([]string{info.Text("artifact_path"), info.Text("serving_input_path")}, func(s string) bool { return s == "" })
}

// listOfRun lists the artifacts of the run. What belongs to a model there, as
// before MLflow 3, is not the run's.
func (c *chunk) listOfRun(ctx context.Context, it *item) error {
	root := strings.TrimRight(it.b.Run.ArtifactURI(), "/")
	if root == "" {
		it.hidden("run", "mlflow_model", "logged_model")
		return nil
	}
	at := Location{URI: root, Owner: it.owners(root)}
	list, issue, err := ListFiles(ctx, c.f.Artifacts, at, filesSection, -1)
	switch {
	case issue != nil && errors.Is(err, mlflow.ErrNotFound): // a run without artifacts: servers do not tell that from none
		return nil
	case issue != nil:
		it.lack(*issue, err)
		return nil
	case err != nil:
		return err
	}
	models := modelFolders(list.Files)
	if own, below := strings.CutPrefix(it.b.File.URI+"/", root+"/"); below && it.b.File.URI != "" {
		models[strings.TrimSuffix(own, "/")] = true
	}
	for _, f := range list.Files {
		if p := ofRun + f.Path; !f.Dir && !isBelow(f.Path, models) && it.Copy.Match(p) {
			it.wanted = append(it.wanted, WantedFile{p, f.Bytes, at, f.Path, nil})
		}
	}
	return nil
}

// hidden notes that files to keep are not known, when that is because sections
// could not be read this time.
func (it *item) hidden(sections ...string) {
	if it.hides(sections...) {
		it.lack(mlflow.NewIssue(filesSection, mlflow.Unavailable, "the list of files of "+it.Ref.String()), nil)
	}
}

// modelFolders are the folders that hold an MLmodel file.
func modelFolders(files []mlflow.FileInfo) map[string]bool {
	out := map[string]bool{}
	for _, f := range files {
		if dir, name := path.Split(f.Path); name == "MLmodel" && !f.Dir {
			out[strings.TrimSuffix(dir, "/")] = true
		}
	}
	return out
}

// isBelow tells whether a file lies in one of some folders; "" is the top.
func isBelow(file string, folders map[string]bool) bool {
	for dir := file; dir != ""; {
		dir, _ = path.Split(strings.TrimSuffix(dir, "/"))
		if folders[strings.TrimSuffix(dir, "/")] {
			return true
		}
	}
	return false
}
