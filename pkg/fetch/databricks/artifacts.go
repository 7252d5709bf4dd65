package databricks

import (
	"cmp"
	"context"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Artifacts reads the files of a workspace: of model versions (by name and
// version, whatever their location), of runs and logged models
// (`dbfs:/databricks/mlflow-tracking/...`), of Unity Catalog's volumes and of
// DBFS.
type Artifacts struct{ w *Workspace }

// Artifacts reads the workspace's files.
func (w *Workspace) Artifacts() *Artifacts { return &Artifacts{w} }

// A folder is where a location's files are, and by which calls they are read.
// Paths are below the location.
type folder interface {
	read(ctx context.Context, path string, limit int64) ([]byte, error)

	// entries lists one folder: base names, in any order. One that is not
	// there is ErrNotFound, or empty.
	entries(ctx context.Context, path string) ([]mlflow.FileInfo, error)
}

// Serves tells whether a location is one of this workspace.
func (a *Artifacts) Serves(at fetch.Location) bool {
	_, err := a.folder(at)
	return err == nil
}

// folder finds out what kind of location it is.
func (a *Artifacts) folder(at fetch.Location) (folder, error) {
	if at.Version.Model != "" {
		if a.w.opts.UnityCatalog {
			return &catalogFiles{w: a.w, id: at.Version, location: at.URI}, nil
		}
		return &signedFiles{w: a.w, from: registryFiles{a.w, at.Version}}, nil
	}
	p, ok := dbfsPath(at.URI)
	if !ok {
		return nil, mlflow.Reason(mlflow.ErrUnsupported, "%s is no location of a Databricks workspace", mlflow.Redact(at.URI))
	}
	segs := strings.Split(strings.Trim(p, "/"), "/")
	switch {
	case len(segs) > 3 && segs[0] == "databricks" && segs[1] == "mlflow-tracking":
		return a.trackingFolder(segs[3:]), nil
	case len(segs) > 1 && segs[0] == "databricks" && segs[1] == "mlflow-registry":
		return nil, mlflow.Reason(mlflow.ErrUnsupported, "files of the registry are read by their model version, as models:/name/1")
	case segs[0] == "Volumes":
		return &platformFiles{w: a.w, root: "/" + strings.Join(segs, "/")}, nil
	}
	return &dbfsFiles{w: a.w, root: "/" + strings.Join(segs, "/")}, nil
}

// trackingFolder is the folder of a run, `<run>/artifacts/...`, or of a logged
// model, `logged_models/<id>/artifacts/...`.
func (a *Artifacts) trackingFolder(segs []string) folder {
	below := func(rest []string) string {
		if len(rest) > 0 && rest[0] == "artifacts" {
			rest = rest[1:]
		}
		return strings.Join(rest, "/")
	}
	if segs[0] == "logged_models" && len(segs) > 1 {
		return &signedFiles{w: a.w, from: loggedModelFiles{a.w, segs[1]}, root: below(segs[2:])}
	}
	return &signedFiles{w: a.w, from: runFiles{a.w, segs[0]}, root: below(segs[1:])}
}

// dbfsPath is the path of a `dbfs:` location, or of a volume. One that names
// another workspace's profile is not ours.
func dbfsPath(uri string) (string, bool) {
	if strings.HasPrefix(uri, "/Volumes/") {
		return clean(uri)
	}
	rest, ok := strings.CutPrefix(uri, "dbfs:")
	if !ok || strings.HasPrefix(rest, "//") && !strings.HasPrefix(rest, "///") || !strings.HasPrefix(rest, "/") {
		return "", false
	}
	return clean(rest)
}

// clean refuses what leads elsewhere.
func clean(p string) (string, bool) {
	return path.Clean(p), !slices.Contains(strings.Split(p, "/"), "..") && !strings.ContainsRune(p, 0)
}

// ReadFile implements fetch.Artifacts. Nothing is known about changes.
func (a *Artifacts) ReadFile(ctx context.Context, at fetch.Location, file string, limit int64, _ fetch.Stamp) (fetch.File, error) {
	f, err := a.folder(at)
	if err != nil {
		return fetch.File{}, err
	}
	if _, ok := clean(file); !ok || file == "" {
		return fetch.File{}, mlflow.Reason(mlflow.ErrOutside, "the path %q leads out of its folder", file)
	}
	data, err := f.read(ctx, path.Clean(file), limit)
	return fetch.File{Data: data}, err
}

// maxListLevel bounds a listing of all levels.
const maxListLevel = 100

// List implements fetch.Artifacts, one request or some pages per folder.
func (a *Artifacts) List(ctx context.Context, at fetch.Location, file string, depth int) iter.Seq2[mlflow.FileInfo, error] {
	return func(yield func(mlflow.FileInfo, error) bool) {
		f, err := a.folder(at)
		if _, ok := clean(file); err == nil && !ok {
			err = mlflow.Reason(mlflow.ErrOutside, "the path %q leads out of its folder", file)
		}
		if err != nil {
			yield(mlflow.FileInfo{}, err)
			return
		}
		l := &listing{folder: f, root: strings.Trim(path.Clean("/"+file), "/"), depth: depth, yield: yield}
		l.walk(ctx, "", 1)
	}
}

type listing struct {
	folder folder
	root   string
	depth  int
	yield  func(mlflow.FileInfo, error) bool
}

// walk yields what is in one folder; false ends the listing.
func (l *listing) walk(ctx context.Context, dir string, level int) bool {
	entries, err := l.folder.entries(ctx, strings.Trim(path.Join(l.root, dir), "/"))
	if err == nil && len(entries) == 0 && level == 1 {
		err = mlflow.Reason(mlflow.ErrNotFound, "there are no files in the folder")
	}
	if err == nil && level > maxListLevel {
		err = mlflow.Reason(mlflow.ErrTooLarge, "folders in folders without end")
	}
	if err != nil {
		l.yield(mlflow.FileInfo{}, err)
		return false
	}
	slices.SortFunc(entries, func(a, b mlflow.FileInfo) int { return cmp.Compare(a.Path, b.Path) })
	for _, e := range entries {
		if e.Path == "" || e.Path == "." || e.Path == ".." || strings.Contains(e.Path, "/") {
			l.yield(mlflow.FileInfo{}, mlflow.Reason(mlflow.ErrUnavailable, "the workspace lists a file with the name %q", e.Path))
			return false
		}
		e.Path = path.Join(dir, e.Path)
		if !l.yield(e, nil) || e.Dir && (l.depth < 0 || level < l.depth) && !l.walk(ctx, e.Path, level+1) {
			return false
		}
	}
	return true
}
