package enrich

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Files makes a tree of a list of files: `num_artifacts` files of `num_bytes`
// on `num_levels` levels, and `files`, each with its path below the listed
// folder and its bytes. A folder has `files` of its own and the sum of their
// bytes; one that was not listed to the end has no bytes. No list, no tree.
func Files(l *mlflow.FileList, o Options) *mlflow.Object {
	if l == nil {
		return nil
	}
	if o.Compat {
		return compatFiles(l, o.ArtifactRoot, "")
	}
	t := newTree(l)
	return mlflow.NewObject(
		mlflow.Member{Key: "num_artifacts", Value: number(t.count)},
		mlflow.Member{Key: "num_bytes", Value: t.size()},
		mlflow.Member{Key: "num_levels", Value: number(int64(t.levels))},
		mlflow.Member{Key: "files", Value: t.list()},
	)
}

// maxNesting is how deep folders nest in a tree; what lies deeper is listed,
// with its full path, in the last of them. No model has so many levels, and no
// report may nest without limit.
const maxNesting = 100

// A folder is what lies below one path.
type folder struct {
	path     string
	entries  []entry // by path
	bytes    int64
	count    int64 // of files, at all levels
	levels   int   // that were listed, this one included
	complete bool  // everything below was listed
}

// An entry is a file, or a folder when that is not nil.
type entry struct {
	path   string
	bytes  int64
	folder *folder
}

// newTree sorts a list into folders and sums them up.
func newTree(l *mlflow.FileList) *folder {
	root := &folder{}
	at := map[string]*folder{"": root}
	for _, f := range l.Files {
		if f.Dir {
			folderAt(at, f.Path)
			continue
		}
		parent := folderAt(at, parentOf(f.Path))
		parent.entries = append(parent.entries, entry{path: f.Path, bytes: f.Bytes})
	}
	root.sum(0, l.MaxLevel)
	return root
}

// folderAt finds or makes a folder and those it lies in.
func folderAt(at map[string]*folder, path string) *folder {
	path = firstLevels(path)
	if f := at[path]; f != nil {
		return f
	}
	f := &folder{path: path}
	at[path] = f
	parent := folderAt(at, parentOf(path))
	parent.entries = append(parent.entries, entry{path: path, folder: f})
	return f
}

// firstLevels cuts a path off where a tree nests no deeper.
func firstLevels(path string) string {
	end := 0
	for range maxNesting {
		i := strings.IndexByte(path[end:], '/')
		if i < 0 {
			return path
		}
		end += i + 1
	}
	return path[:end-1]
}

func parentOf(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}

func level(path string) int {
	if path == "" {
		return 0
	}
	return strings.Count(path, "/") + 1
}

func (f *folder) sum(level, maxLevel int) {
	f.complete = maxLevel < 0 || level < maxLevel
	if f.complete {
		f.levels = 1
	}
	for _, e := range f.entries {
		if e.folder == nil {
			f.bytes += e.bytes
			f.count++
			continue
		}
		e.folder.sum(level+1, maxLevel)
		f.bytes += e.folder.bytes
		f.count += e.folder.count
		f.levels = max(f.levels, e.folder.levels+1)
		f.complete = f.complete && e.folder.complete
	}
	slices.SortStableFunc(f.entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
}

func (f *folder) size() mlflow.Number { return number(f.bytes) }

// list is what lies in the folder as JSON.
func (f *folder) list() []any {
	list := make([]any, len(f.entries))
	for i, e := range f.entries {
		o := mlflow.NewObject(mlflow.Member{Key: "path", Value: e.path})
		if e.folder == nil {
			o.Append("bytes", number(e.bytes))
		} else {
			if e.folder.complete {
				o.Append("bytes", e.folder.size())
			}
			o.Append("files", e.folder.list())
		}
		list[i] = o
	}
	return list
}

func number(n int64) mlflow.Number { return mlflow.Number(strconv.FormatInt(n, 10)) }
