//go:build unix

package mlflowtest

import (
	"maps"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Keys names all objects of a world, those too that listings hide.
func (w WorldIDs) Keys() Keys {
	k := Keys{
		Models: []string{"empty_model", "greeting", "only deleted", "before renaming"},
		Versions: []mlflow.VersionID{
			{Model: "eleven", Version: 5}, {Model: "only deleted", Version: 1}, // deleted
			{Model: "greeting", Version: 1}, {Model: "greeting", Version: 2}, // a prompt
		},
		Runs:         slices.Sorted(maps.Values(w.Runs)),
		Experiments:  append(slices.Sorted(maps.Values(w.Experiments)), "0"),
		LoggedModels: slices.Sorted(maps.Values(w.LoggedModels)),
	}
	for _, uri := range w.Versions {
		if ref, err := mlflow.ParseRef(uri); err == nil && ref.Kind == mlflow.VersionRef {
			k.Versions = append(k.Versions, ref.VersionID())
		}
	}
	return k
}
