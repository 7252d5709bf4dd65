package enrich

import (
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// servingEndpoints adds formatted times to serving endpoints and to what they
// serve, and puts them in order of their names.
func servingEndpoints(list []any, o Options) []any {
	if list == nil {
		return nil
	}
	out := mapObjects(list, servingEndpoint)
	if !o.Compat {
		slices.SortStableFunc(out, func(a, b any) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	return out
}

func nameOf(v any) string {
	o, _ := v.(*mlflow.Object)
	return o.Text("name")
}

func servingEndpoint(e *mlflow.Object) *mlflow.Object {
	out := e.Clone()
	if config := e.Object("config"); config != nil {
		config = config.Clone()
		for _, key := range []string{"served_entities", "served_models"} {
			replaceList(config, key, func(list []any) []any { return mapObjects(list, withServingTimes) })
		}
		out.Set("config", config)
	}
	addTimes(out, "creation_timestamp", "last_updated_timestamp")
	return out
}

func withServingTimes(o *mlflow.Object) *mlflow.Object {
	out := o.Clone()
	addTimes(out, "creation_timestamp")
	return out
}
