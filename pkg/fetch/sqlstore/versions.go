package sqlstore

import (
	"context"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// deletedStage marks a version that was deleted: its row stays, redacted.
const deletedStage = "Deleted_Internal"

// Versions implements fetch.Reader; the versions have their aliases. A deleted
// version is not found, as on a server.
func (r *reader) Versions(ctx context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	return answer(ctx, r, "model version %v", ids, r.versions)
}

// headFields and tailFields are the columns of model_versions in the order of
// the API, before and behind the tags.
func headFields() []field {
	return []field{
		{"name", "name", asText},
		{"version", "version", asDigits},
		{"creation_time", "creation_timestamp", asNumber},
		{"last_updated_time", "last_updated_timestamp", asNumber},
		{"user_id", "user_id", asText},
		{"current_stage", "current_stage", asText},
		{"description", "description", asText},
		{"source", "source", asText},
		{"run_id", "run_id", asText},
		{"status", "status", asText},
		{"status_message", "status_message", ifText},
	}
}

func tailFields() []field { return []field{{"run_link", "run_link", asText}} }

// A versionMaker makes versions of rows with the columns that it names.
type versionMaker struct {
	head, tail []field
	tags       map[mlflow.VersionID][]any
	aliases    aliasTable
}

func newVersionMaker() *versionMaker {
	return &versionMaker{head: headFields(), tail: tailFields()}
}

// columns ends with storage_location.
func (m *versionMaker) columns() []string {
	return slices.Concat(columnsOf(m.head), columnsOf(m.tail), []string{"storage_location"})
}

func (m *versionMaker) make(row []any) (mlflow.VersionID, fetch.Version) {
	id := versionID(row)
	n := len(m.head) + len(m.tail)
	o := roomy(n + 2)
	put(o, m.head, row)
	putList(o, "tags", m.tags[id], byText("key"))
	put(o, m.tail, row[len(m.head):])
	var own []string
	for _, a := range m.aliases[id.Model] {
		if a.version == id.Version {
			own = append(own, a.name)
		}
	}
	if own != nil {
		slices.Sort(own)
		o.Append("aliases", anys(own))
	}
	v := fetch.Version{ModelVersion: mlflow.ModelVersion{Object: o}}
	if v.DownloadURI, _ = text(row[n]); v.DownloadURI == "" {
		v.DownloadURI = v.Source()
	}
	return id, v
}

// versionID reads the first two cells of a row.
func versionID(row []any) mlflow.VersionID {
	name, _ := text(row[0])
	version, _ := whole(row[1])
	return mlflow.VersionID{Model: name, Version: version}
}

// versions reads model versions in three queries.
func (r *reader) versions(ctx context.Context, ids []mlflow.VersionID) (map[mlflow.VersionID]fetch.Version, error) {
	keys, names := make([]any, 0, 2*len(ids)), map[string]bool{}
	var models []any
	for _, id := range ids {
		keys = append(keys, id.Model, id.Version)
		if !names[id.Model] {
			names[id.Model] = true
			models = append(models, id.Model)
		}
	}
	m := newVersionMaker()
	var err error
	if m.tags, err = r.versionTags(ctx, keys); err != nil {
		return nil, err
	}
	if m.aliases, err = r.aliases(ctx, models); err != nil {
		return nil, err
	}
	found := make(map[mlflow.VersionID]fetch.Version, len(ids))
	err = r.find(ctx, search{
		table: "model_versions", keys: []string{"name", "version"}, columns: m.columns(),
		only: r.alive(), values: []any{deletedStage},
	}, keys, func(row []any) {
		id, v := m.make(row)
		found[id] = v
	})
	return found, err
}

// alive is the condition that a version was not deleted.
func (r *reader) alive() string { return r.store.dialect.name("current_stage") + " <> ?" }

// versionTags reads the tags of versions; keys are name, version, name, ...
func (r *reader) versionTags(ctx context.Context, keys []any) (map[mlflow.VersionID][]any, error) {
	return pairs(ctx, r, search{
		table: "model_version_tags", keys: []string{"name", "version"}, columns: []string{"name", "version", "key", "value"},
	}, keys, versionID)
}

// latestVersions reads the highest version of each stage of models, with tags
// and, as servers do, without aliases.
func (r *reader) latestVersions(ctx context.Context, models []any) (map[string][]any, error) {
	keys, err := r.latestIDs(ctx, models)
	if err != nil {
		return nil, err
	}
	m := newVersionMaker()
	if m.tags, err = r.versionTags(ctx, keys); err != nil {
		return nil, err
	}
	found := map[string][]any{}
	err = r.find(ctx, search{table: "model_versions", keys: []string{"name", "version"}, columns: m.columns()}, keys, func(row []any) {
		id, v := m.make(row)
		found[id.Model] = append(found[id.Model], v.Object)
	})
	return found, err
}

// latestIDs lists name, version, name, ... of the highest version of each
// stage: all versions of a model are looked at, but only those read whole.
func (r *reader) latestIDs(ctx context.Context, models []any) (keys []any, err error) {
	d := r.store.dialect
	alive, values := r.sql(search{
		table: "model_versions", keys: []string{"name"}, columns: []string{"name", "current_stage", "version"},
		only: r.alive(), values: []any{deletedStage},
	}, models)
	query := "SELECT " + d.name("name") + ", MAX(" + d.name("version") + ") FROM (" + alive + ") AS alive GROUP BY " + d.names([]string{"name", "current_stage"})
	err = r.scan(ctx, query, values, 2, func(row []any) { keys = append(keys, row[0], row[1]) })
	return keys, err
}
