package databricks

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// query is the parameters of a GET, one value each.
type query map[string]string

func (q query) values() url.Values {
	v := url.Values{}
	for k, text := range q {
		v.Set(k, text)
	}
	return v
}

// A catalog is the registry of Unity Catalog, by the calls that MLflow's client
// makes: `/api/2.0/mlflow/unity-catalog`. Searches show neither aliases nor
// tags, so objects are read one by one, and searches only tell what there is.
type catalog struct {
	w      *Workspace
	reader *rest.Reader
}

const ucPath = "unity-catalog/"

// maxListed is how many rows of a search are asked for at once; the workspace
// may give less.
const maxListed = "1000"

func (c *catalog) model(ctx context.Context, name string) (mlflow.RegisteredModel, error) {
	if err := checkName(name); err != nil {
		return mlflow.RegisteredModel{}, err
	}
	o, err := c.w.one(ctx, ucPath+"registered-models/get", query{"name": name}, "registered_model", fmt.Sprintf("registered model %q", name))
	return mlflow.RegisteredModel{Object: o}, err
}

func checkName(name string) error {
	if isCatalogName(name) {
		return nil
	}
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrNotFound, "Unity Catalog has no registered model %q", name),
		Hint: "models of Unity Catalog are named catalog.schema.model; for the workspace's own registry write databricks instead of databricks-uc",
	}
}

func versionQuery(id mlflow.VersionID) query {
	return query{"name": id.Model, "version": strconv.FormatInt(id.Version, 10)}
}

func (c *catalog) version(ctx context.Context, id mlflow.VersionID) (fetch.Version, error) {
	if err := checkName(id.Model); err != nil {
		return fetch.Version{}, err
	}
	what := fmt.Sprintf("version %d of registered model %q", id.Version, id.Model)
	o, err := c.w.one(ctx, ucPath+"model-versions/get", versionQuery(id), "model_version", what)
	return asVersion(o), err
}

func asVersion(o *mlflow.Object) fetch.Version {
	return fetch.Version{ModelVersion: mlflow.ModelVersion{Object: o}, DownloadURI: o.Text("storage_location")}
}

func (c *catalog) downloadURI(ctx context.Context, id mlflow.VersionID) (string, error) {
	what := fmt.Sprintf("the place of the files of version %d of %q", id.Version, id.Model)
	o, err := c.w.one(ctx, ucPath+"model-versions/get-download-uri", versionQuery(id), "", what)
	if err == nil && o.Text("artifact_uri") == "" {
		err = fmt.Errorf("%s: %w", what, c.w.nonsense("model-versions/get-download-uri", "has no artifact_uri"))
	}
	return o.Text("artifact_uri"), err
}

// list lists all models that the login may see.
func (c *catalog) list(ctx context.Context) iter.Seq2[mlflow.RegisteredModel, error] {
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		for o, err := range c.reader.Rows(ctx, ucPath+"registered-models/search", query{"max_results": maxListed}.values(), "registered_models") {
			m := mlflow.RegisteredModel{Object: o}
			switch {
			case err != nil:
				yield(m, fmt.Errorf("listing registered models: %w", err))
				return
			case !m.IsPrompt() && !yield(m, nil):
				return
			}
		}
	}
}

// listVersions lists versions model by model.
func (c *catalog) listVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		names, err := c.names(ctx, q.Models)
		if err != nil {
			yield(fetch.Version{}, err)
			return
		}
		for some := range slices.Chunk(names, c.w.inFlight()) {
			found, err := fetch.Each(ctx, some, len(some), c.versionsOf)
			for _, name := range some {
				r := found[name]
				if err == nil && r.Err != nil {
					err = r.Err
				}
				if err != nil {
					yield(fetch.Version{}, fmt.Errorf("listing model versions: %w", err))
					return
				}
				for _, v := range r.Value {
					if !yield(v, nil) {
						return
					}
				}
			}
		}
	}
}

// names are the models whose versions are to be listed, in order.
func (c *catalog) names(ctx context.Context, asked []string) ([]string, error) {
	names := slices.Clone(asked)
	if asked == nil {
		for m, err := range c.list(ctx) {
			if err != nil {
				return nil, err
			}
			names = append(names, m.Name())
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (c *catalog) versionsOf(ctx context.Context, name string) ([]fetch.Version, error) {
	if strings.ContainsAny(name, `'"\`) { // no such name; and it would end the filter
		return nil, checkName("")
	}
	var out []fetch.Version
	q := query{"filter": "name='" + name + "'", "max_results": maxListed}
	for o, err := range c.reader.Rows(ctx, ucPath+"model-versions/search", q.values(), "model_versions") {
		if err != nil {
			return nil, err
		}
		if v := asVersion(o); v.ID().Model == name {
			v.Partial = true
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b fetch.Version) int { return int(a.ID().Version - b.ID().Version) })
	return out, nil
}
