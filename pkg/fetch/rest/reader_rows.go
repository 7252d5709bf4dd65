package rest

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// picked sorts the rows of a search into those that were asked for and others.
type picked[K comparable, V any] struct {
	wanted  map[K]K // by folded key
	fold    func(K) K
	found   map[K]V
	foreign bool // a row came that the filter excludes
}

func newPicked[K comparable, V any](keys []K, fold func(K) K) *picked[K, V] {
	p := &picked[K, V]{wanted: make(map[K]K, 2*len(keys)), fold: fold, found: make(map[K]V, len(keys))}
	for _, k := range keys {
		p.wanted[fold(k)] = k
	}
	for _, k := range keys {
		p.wanted[k] = k
	}
	return p
}

func (p *picked[K, V]) take(k K, v V) {
	if key, ok := p.wanted[k]; ok && key == k {
		p.found[k] = v
		return
	}
	if _, twin := p.wanted[p.fold(k)]; !twin {
		p.foreign = true
	}
}

// pick reads the pages of a search until a row shows that its filter was
// ignored.
func (p *picked[K, V]) pick(pages iter.Seq2[page, error], row func(*mlflow.Object) (K, V)) (map[K]V, error) {
	for page, err := range pages {
		if err != nil {
			return p.found, err
		}
		for _, o := range page.rows {
			p.take(row(o))
		}
		if p.foreign {
			return p.found, errIgnored
		}
	}
	return p.found, nil
}

// foldName is for databases that compare names without case: a row that
// differs so from what was asked does not show that the filter was ignored.
func foldName(s string) string { return strings.ToLower(s) }

func same[K any](k K) K { return k }

// asModel makes a row of any call what `registered-models/get` shows, in one
// order of latest_versions: MLflow's own depends on the call and on the history
// of the model. Over a folder, both calls show aliases there; over a database,
// none.
func asModel(o *mlflow.Object) mlflow.RegisteredModel {
	slices.SortStableFunc(o.List("latest_versions"), func(a, b any) int {
		return cmp.Compare(versionNumber(a), versionNumber(b))
	})
	return mlflow.RegisteredModel{Object: o}
}

func versionNumber(v any) int64 {
	o, _ := v.(*mlflow.Object)
	return mlflow.ModelVersion{Object: o}.ID().Version
}

// asVersion adds where the files are, as far as the version itself says so.
func asVersion(o *mlflow.Object) fetch.Version {
	v := fetch.Version{ModelVersion: mlflow.ModelVersion{Object: o}}
	if source := v.Source(); !strings.HasPrefix(source, "models:") {
		v.DownloadURI = source
	}
	return v
}
