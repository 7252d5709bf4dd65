package sqlstore

import (
	"cmp"
	"context"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Models implements fetch.Reader: prompts, which share the table, are read
// when they are asked for by name.
func (r *reader) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	return answer(ctx, r, "registered model %q", names, r.models)
}

// modelFields are the columns of registered_models in the order of the API.
func modelFields() []field {
	return []field{
		{"name", "name", asText},
		{"creation_time", "creation_timestamp", asNumber},
		{"last_updated_time", "last_updated_timestamp", ifNumber},
		{"description", "description", ifText},
	}
}

// models reads registered models in six queries.
func (r *reader) models(ctx context.Context, names []string) (map[string]mlflow.RegisteredModel, error) {
	keys := anys(names)
	tags, err := pairs(ctx, r, search{table: "registered_model_tags", keys: []string{"name"}, columns: []string{"name", "key", "value"}}, keys, firstText)
	if err != nil {
		return nil, err
	}
	aliases, err := r.aliases(ctx, keys)
	if err != nil {
		return nil, err
	}
	latest, err := r.latestVersions(ctx, keys)
	if err != nil {
		return nil, err
	}
	fields := modelFields()
	found := make(map[string]mlflow.RegisteredModel, len(names))
	err = r.find(ctx, search{table: "registered_models", keys: []string{"name"}, columns: columnsOf(fields)}, keys, func(row []any) {
		name, _ := text(row[0])
		o := roomy(len(fields) + 3)
		put(o, fields, row)
		putList(o, "latest_versions", latest[name], byVersion)
		putList(o, "tags", tags[name], byText("key"))
		putList(o, "aliases", aliases.objects(name), byText("alias"))
		found[name] = mlflow.RegisteredModel{Object: o}
	})
	return found, err
}

// byVersion orders model versions by number.
func byVersion(a, b *mlflow.Object) int {
	return cmp.Compare(mlflow.ModelVersion{Object: a}.ID().Version, mlflow.ModelVersion{Object: b}.ID().Version)
}

// An aliasTable holds the aliases of registered models, by name of the model.
type aliasTable map[string][]alias

type alias struct {
	name    string
	version int64
}

// aliases reads the aliases of registered models; before 2.3 there were none.
func (r *reader) aliases(ctx context.Context, names []any) (aliasTable, error) {
	if !r.store.schema.has("registered_model_aliases") {
		return nil, nil
	}
	found := aliasTable{}
	err := r.find(ctx, search{table: "registered_model_aliases", keys: []string{"name"}, columns: []string{"name", "alias", "version"}}, names, func(row []any) {
		model, _ := text(row[0])
		name, _ := text(row[1])
		version, _ := whole(row[2])
		found[model] = append(found[model], alias{name, version})
	})
	return found, err
}

// objects is a model's `aliases` as the API shows them.
func (t aliasTable) objects(model string) []any {
	var list []any
	for _, a := range t[model] {
		list = append(list, mlflow.NewObject(
			mlflow.Member{Key: "alias", Value: a.name},
			mlflow.Member{Key: "version", Value: strconv.FormatInt(a.version, 10)}))
	}
	return list
}

// pairs reads rows that end with a key and a value, as lists by what owner
// makes of the cells before.
func pairs[K comparable](ctx context.Context, r *reader, s search, keys []any, owner func(row []any) K) (map[K][]any, error) {
	found := map[K][]any{}
	n := len(s.columns)
	err := r.find(ctx, s, keys, func(row []any) {
		k := owner(row)
		found[k] = append(found[k], pair(row[n-2], row[n-1]))
	})
	return found, err
}

func firstText(row []any) string {
	s, _ := text(row[0])
	return s
}
