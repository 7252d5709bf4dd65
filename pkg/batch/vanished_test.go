package batch_test

import (
	"context"
	"iter"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
)

// A vanishingStore has a version that is deleted when it has been listed.
type vanishingStore struct{ *mlflowtest.Memory }

func (v *vanishingStore) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		for version, err := range v.Memory.ListVersions(ctx, q) {
			version.Partial = true
			if !yield(version, err) {
				return
			}
		}
		v.ModelVersions = v.ModelVersions[:1]
	}
}

func TestAVersionThatIsDeletedWhenItHasBeenListedIsNoFailure(t *testing.T) {
	m := &mlflowtest.Memory{}
	m.AddModel("A", nil, "None", "None")
	b := newBench(t, m)
	b.hosts[0].Source = &vanishingStore{m}
	b.wants(b.run(`select: {models: "*", versions: all}`), []string{`ok models:/A/1 at "A/1" as ["select models: *, versions: all"]`})
	b.wants(b.run("models:/A/2"), []string{
		`failed models:/A/2 at "" as ["models:/A/2"] version-not-found`,
		`dropped models:/A/1 at "A/1" as ["select models: *, versions: all"]`,
	})
}
