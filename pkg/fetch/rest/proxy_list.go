package rest

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// maxListLevel bounds a listing of all levels: links on the server's disk may
// make a tree that has no end.
const maxListLevel = 100

// List streams what lies below path of at, one request per folder: each folder
// is followed by what is in it. The server does not tell an empty folder from
// one that is not there: both are ErrNotFound.
func (a *Artifacts) List(ctx context.Context, at fetch.Location, file string, depth int) iter.Seq2[mlflow.FileInfo, error] {
	return func(yield func(mlflow.FileInfo, error) bool) {
		root, err := a.folder(at)
		if err == nil {
			root, err = a.below(root, file)
		}
		if err == nil {
			var entries []mlflow.FileInfo
			if entries, err = a.entries(ctx, root); err == nil && len(entries) == 0 {
				err = a.problem(http.StatusOK, mlflow.ErrNotFound, "%s has no files in the folder %s", root)
			}
			if err == nil {
				a.walk(ctx, root, "", entries, depth, yield)
				return
			}
		}
		yield(mlflow.FileInfo{}, err)
	}
}

// walk yields the entries of one folder with what is below them. It returns
// false when the caller wants no more, or an error was yielded.
func (a *Artifacts) walk(ctx context.Context, root, dir string, entries []mlflow.FileInfo, depth int, yield func(mlflow.FileInfo, error) bool) bool {
	level := strings.Count(dir, "/") + 2 // of what is in the folders among entries
	if dir == "" {
		level = 1
	}
	for _, f := range entries {
		f.Path = path.Join(dir, f.Path)
		if !yield(f, nil) {
			return false
		}
		if !f.Dir || depth >= 0 && level >= depth {
			continue
		}
		if level >= maxListLevel {
			yield(mlflow.FileInfo{}, a.problem(http.StatusOK, mlflow.ErrTooLarge, "%s lists folders in folders without end below %s", root))
			return false
		}
		below, err := a.entries(ctx, path.Join(root, f.Path))
		if err != nil {
			yield(mlflow.FileInfo{}, err)
			return false
		}
		if !a.walk(ctx, root, f.Path, below, depth, yield) {
			return false
		}
	}
	return true
}

// entries lists one folder: base names in byte order, or nothing when it is
// empty, a file, or not there.
func (a *Artifacts) entries(ctx context.Context, folder string) ([]mlflow.FileInfo, error) {
	if folder == "." {
		folder = ""
	}
	asked := folder
	if strings.HasSuffix(folder, "?") {
		asked += "/" // else the server drops the question mark
	}
	q := call{method: http.MethodGet, name: "the list of files in " + folder, json: true, limit: a.c.opts.MaxBody,
		url: a.c.address(proxyRoot, url.Values{"path": {asked}})}
	got, err := a.c.do(ctx, q)
	if err != nil {
		return nil, err
	}
	var entries []mlflow.FileInfo
	for o := range got.object.Objects("files") {
		name := o.Text("path")
		if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
			return nil, a.problem(got.status, mlflow.ErrUnavailable, "%s lists a file with the name %q", a.c.clean(name))
		}
		dir, _ := o.Get("is_dir")
		f := mlflow.FileInfo{Path: name, Dir: dir == true}
		if !f.Dir {
			f.Bytes, _ = strconv.ParseInt(o.Text("file_size"), 10, 64)
		}
		entries = append(entries, f)
	}
	slices.SortFunc(entries, func(x, y mlflow.FileInfo) int { return cmp.Compare(x.Path, y.Path) })
	return entries, nil
}
