package databricks

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

var (
	_ fetch.Permitter    = (*Source)(nil)
	_ fetch.Transitioner = (*Source)(nil)
	_ fetch.Endpointer   = (*Source)(nil)
	_ fetch.Lineager     = (*Source)(nil)
)

// Permissions implements fetch.Permitter: the levels that there are and who has
// which; in Unity Catalog grants, and grants with what is inherited.
func (s *Source) Permissions(ctx context.Context, kind, id string) (fetch.Permissions, error) {
	switch {
	case kind == fetch.ExperimentKind:
		lists, err := s.w.accessControl(ctx, "experiments", id, "experiment "+id)
		return fetch.Permissions{Lists: lists}, err
	case s.uc != nil:
		lists, err := s.w.grants(ctx, id)
		return fetch.Permissions{Lists: lists}, err
	}
	what := fmt.Sprintf("registered model %q", id)
	o, err := s.w.one(ctx, "databricks/registered-models/get", query{"name": id}, "registered_model_databricks", what)
	if err != nil {
		return fetch.Permissions{}, err
	}
	lists, err := s.w.accessControl(ctx, "registered-models", o.Text("id"), what)
	return fetch.Permissions{Shown: o, Lists: lists}, err
}

// accessControl is the access control list of an object of the workspace.
func (w *Workspace) accessControl(ctx context.Context, kind, id, what string) (*mlflow.Object, error) {
	path := "/api/2.0/permissions/" + kind + "/" + escape(id)
	what = "the permissions of " + what
	levels, err := w.one(ctx, path+"/permissionLevels", nil, "", what)
	if err != nil {
		return nil, err
	}
	list, err := w.one(ctx, path, nil, "", what)
	if err != nil {
		return nil, err
	}
	all, _ := levels.Get("permission_levels")
	return mlflow.NewObject(mlflow.Member{Key: "permission_levels", Value: all}, mlflow.Member{Key: "permissions", Value: list}), nil
}

// grants are the privileges on a model of Unity Catalog, where models are a
// kind of functions.
func (w *Workspace) grants(ctx context.Context, name string) (*mlflow.Object, error) {
	what := "the permissions of registered model " + name
	granted, err := w.one(ctx, "/api/2.1/unity-catalog/permissions/function/"+escape(name), nil, "", what)
	if err != nil {
		return nil, err
	}
	effective, err := w.one(ctx, "/api/2.1/unity-catalog/effective-permissions/function/"+escape(name), nil, "", what)
	if err != nil {
		return nil, err
	}
	return mlflow.NewObject(mlflow.Member{Key: "permissions", Value: granted}, mlflow.Member{Key: "effective_permissions", Value: effective}), nil
}

// TransitionRequests implements fetch.Transitioner. Unity Catalog has no
// stages.
func (s *Source) TransitionRequests(ctx context.Context, id mlflow.VersionID) ([]any, error) {
	if s.uc != nil {
		return nil, mlflow.Reason(mlflow.ErrUnsupported, "Unity Catalog has no stages")
	}
	o, err := s.w.one(ctx, "transition-requests/list", versionQuery(id), "", "the transition requests of "+id.String())
	if err != nil {
		return nil, err
	}
	return append([]any{}, o.List("requests")...), nil
}

// served is the list of all serving endpoints, read once: it is short, and
// every version is looked for in it.
type served struct {
	mu   sync.Mutex
	list []any
	done bool
}

// ServingEndpoints implements fetch.Endpointer: the endpoints, as their list
// shows them, one of whose entities is this version.
func (s *Source) ServingEndpoints(ctx context.Context, id mlflow.VersionID) ([]any, error) {
	all, err := s.w.endpoints(ctx)
	out := []any{}
	for _, v := range all {
		if o, ok := v.(*mlflow.Object); ok && serves(o, id) {
			out = append(out, o)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the serving endpoints: %w", err)
	}
	return out, nil
}

func (w *Workspace) endpoints(ctx context.Context) ([]any, error) {
	s := &w.serving
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return s.list, nil
	}
	o, err := w.client.Get(ctx, "/api/2.0/serving-endpoints", nil)
	if errors.Is(err, mlflow.ErrUnsupported) { // a workspace without serving
		o, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.list, s.done = o.List("endpoints"), true
	return s.list, nil
}

// serves tells whether an endpoint serves a version. Older endpoints have
// served_models, newer ones served_entities; most have both.
func serves(endpoint *mlflow.Object, id mlflow.VersionID) bool {
	config, version := endpoint.Object("config"), versionQuery(id)["version"]
	for e := range config.Objects("served_entities") {
		if e.Text("entity_name") == id.Model && e.Text("entity_version") == version {
			return true
		}
	}
	for m := range config.Objects("served_models") {
		if m.Text("model_name") == id.Model && m.Text("model_version") == version {
			return true
		}
	}
	return false
}

// TableLineage implements fetch.Lineager: upstreams and downstreams of a table
// of Unity Catalog, with notebooks, jobs and the like.
func (s *Source) TableLineage(ctx context.Context, table string) (*mlflow.Object, error) {
	q := query{"table_name": table, "include_entity_lineage": "true"}
	return s.w.one(ctx, "/api/2.0/lineage-tracking/table-lineage", q, "", "the lineage of table "+table)
}
