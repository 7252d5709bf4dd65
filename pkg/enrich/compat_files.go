package enrich

import (
	"math"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// compatFiles is the artifact tree of the seed tool's first layout, where
// paths start at the run's artifacts: prefix is the listed folder there.
func compatFiles(l *mlflow.FileList, root, prefix string) *mlflow.Object {
	t := newTree(l)
	maxLevel := int64(l.MaxLevel)
	if maxLevel < 0 {
		maxLevel = math.MaxInt64
	}
	summary := mlflow.NewObject(
		mlflow.Member{Key: "artifact_max_level", Value: number(maxLevel)},
		mlflow.Member{Key: "num_artifacts", Value: number(t.count)},
		mlflow.Member{Key: "num_bytes", Value: t.size()},
		mlflow.Member{Key: "num_levels", Value: number(int64(t.levels))},
	)
	out := mlflow.NewObject(mlflow.Member{Key: "summary", Value: summary})
	c := compatTree{root, prefix, int(min(maxLevel, maxNesting+1))}
	for k, v := range c.folder(t).All() {
		out.Append(k, v)
	}
	return out
}

type compatTree struct {
	root, prefix string
	maxLevel     int
}

func (c compatTree) path(p string) string { return strings.TrimPrefix(c.prefix+"/"+p, "/") }

// folder is empty for one at the level limit, which was not listed.
func (c compatTree) folder(f *folder) *mlflow.Object {
	o := mlflow.NewObject()
	if level(f.path) >= c.maxLevel {
		return o
	}
	o.Append("root_uri", c.root)
	o.Append("files", c.files(f))
	return o
}

func (c compatTree) files(f *folder) []any {
	list := make([]any, len(f.entries))
	for i, e := range f.entries {
		o := mlflow.NewObject(
			mlflow.Member{Key: "path", Value: c.path(e.path)},
			mlflow.Member{Key: "is_dir", Value: e.folder != nil},
		)
		if e.folder != nil {
			o.Append("artifacts", c.folder(e.folder))
		} else {
			o.Append("file_size", number(e.bytes))
		}
		list[i] = o
	}
	return list
}
