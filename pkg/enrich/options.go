package enrich

import "github.com/mlreport/mlreport/pkg/mlflow"

// Options say how objects are enriched. The zero value gives the default
// format without links.
type Options struct {
	UI          string // base of links: scheme, host and path prefix, no trailing slash; "" = no links
	Workspace   string // MLflow 3's workspace; named in links when it is neither "" nor `default`
	TrackingURI string // without user info and query, for _tracking_uri; "" = none
	Compat      bool   // the seed tool's format

	Databricks   bool   // UI is a Databricks workspace
	UnityCatalog bool   // registered models are those of Unity Catalog
	WorkspaceID  string // of Databricks, for its links; "" when it is not known

	// ArtifactRoot is the URI that artifact trees of the seed's layout repeat
	// in root_uri: that of the run's artifacts. Only for Compat; Bundle finds it
	// by itself.
	ArtifactRoot string
}

// mapObjects copies a list with each object in it replaced.
func mapObjects(list []any, f func(*mlflow.Object) *mlflow.Object) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
		if o, ok := v.(*mlflow.Object); ok {
			out[i] = f(o)
		}
	}
	return out
}

// replaceList gives the list at key, if there is one, a new value.
func replaceList(o *mlflow.Object, key string, f func([]any) []any) {
	if v, ok := o.Get(key); ok {
		if l, ok := v.([]any); ok {
			o.Set(key, f(l))
		}
	}
}
