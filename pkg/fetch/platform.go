package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// What follows is what a platform around MLflow knows besides MLflow's own
// objects. A Source implements what it can; where it cannot say something of
// one object it answers ErrUnsupported, which is no gap.

// Kinds of objects with permissions.
const (
	ModelKind      = "registered_model" // by name
	ExperimentKind = "experiment"       // by id
)

// Permissions are who may do what with an object.
type Permissions struct {
	Shown *mlflow.Object // the object as the platform shows it to those who ask for permissions, with its `id` and `permission_level`; nil: as before
	Lists *mlflow.Object // what a report shows as `permissions`
}

// Permitter knows permissions.
type Permitter interface {
	Permissions(ctx context.Context, kind, id string) (Permissions, error)
}

// Transitioner knows the pending requests to move a version to another stage.
// No requests are an empty list.
type Transitioner interface {
	TransitionRequests(ctx context.Context, id mlflow.VersionID) ([]any, error)
}

// Endpointer knows which serving endpoints serve a version.
type Endpointer interface {
	ServingEndpoints(ctx context.Context, id mlflow.VersionID) ([]any, error)
}

// Lineager knows what a table was made of, and what is made of it.
type Lineager interface {
	TableLineage(ctx context.Context, table string) (*mlflow.Object, error)
}

// Permissions asks the half that has the object.
func (p Pair) Permissions(ctx context.Context, kind, id string) (Permissions, error) {
	half := p.Tracking
	if kind == ModelKind {
		half = p.Registry
	}
	return PermissionsOf(ctx, half, kind, id)
}

// PermissionsOf asks a Source that may be a Permitter; one that is none answers
// ErrUnsupported.
func PermissionsOf(ctx context.Context, s Source, kind, id string) (Permissions, error) {
	if k, ok := s.(Permitter); ok {
		return k.Permissions(ctx, kind, id)
	}
	return Permissions{}, mlflow.Reason(mlflow.ErrUnsupported, "this kind of store has no permissions")
}

// TransitionRequests asks the registry.
func (p Pair) TransitionRequests(ctx context.Context, id mlflow.VersionID) ([]any, error) {
	return TransitionRequestsOf(ctx, p.Registry, id)
}

// TransitionRequestsOf asks a Source that may be a Transitioner; see
// PermissionsOf.
func TransitionRequestsOf(ctx context.Context, s Source, id mlflow.VersionID) ([]any, error) {
	if k, ok := s.(Transitioner); ok {
		return k.TransitionRequests(ctx, id)
	}
	return nil, mlflow.Reason(mlflow.ErrUnsupported, "this kind of store has no requests to change a stage")
}

// ServingEndpoints asks the registry.
func (p Pair) ServingEndpoints(ctx context.Context, id mlflow.VersionID) ([]any, error) {
	return endpointsOf(ctx, p.Registry, id)
}

func endpointsOf(ctx context.Context, s Source, id mlflow.VersionID) ([]any, error) {
	if k, ok := s.(Endpointer); ok {
		return k.ServingEndpoints(ctx, id)
	}
	return nil, mlflow.Reason(mlflow.ErrUnsupported, "this kind of store has no serving endpoints")
}

// TableLineage asks the tracking store, which has the datasets.
func (p Pair) TableLineage(ctx context.Context, table string) (*mlflow.Object, error) {
	return lineageOf(ctx, p.Tracking, table)
}

func lineageOf(ctx context.Context, s Source, table string) (*mlflow.Object, error) {
	if k, ok := s.(Lineager); ok {
		return k.TableLineage(ctx, table)
	}
	return nil, mlflow.Reason(mlflow.ErrUnsupported, "this kind of store has no lineage of tables")
}

// PlatformIssue says in a report why something of the platform is not there;
// false when the store has no such thing.
func PlatformIssue(section string, err error, what string) (mlflow.Issue, bool) {
	if errors.Is(err, mlflow.ErrUnsupported) {
		return mlflow.Issue{}, false
	}
	return IssueOf(section, err, mlflow.NewIssue(section, mlflow.NotShown, what), what), true
}

// lackOf notes why something of the platform is not there.
func (it *item) lackOf(section string, err error, what string) {
	if issue, ok := PlatformIssue(section, err, what); ok {
		it.lack(issue, err)
	}
}

// readPlatform adds what entries asked for of what the platform knows. It is
// the last step: it hangs on objects that others have read.
func (c *chunk) readPlatform(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.readTransitions, c.readPermissions, c.readEndpoints, c.readTables} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readTransitions is not asked for: requests belong to the version.
func (c *chunk) readTransitions(ctx context.Context) error {
	if _, ok := c.f.Source.(Transitioner); !ok {
		return nil
	}
	found, err := Each(ctx, c.versionIDs(func(*item) bool { return true }), c.f.filesAtOnce(), func(ctx context.Context, id mlflow.VersionID) ([]any, error) {
		return TransitionRequestsOf(ctx, c.f.Source, id)
	})
	for it := range c.live {
		if r, ok := found[it.Ref.VersionID()]; ok {
			it.b.TransitionRequests = r.Value
			it.lackIf(r.Err, "model_version", "the transition requests of "+it.Ref.String())
		}
	}
	return err
}

func (it *item) lackIf(err error, section, what string) {
	if err != nil {
		it.lackOf(section, err, what)
	}
}

// versionIDs are the versions of the items that are wanted, each once.
func (c *chunk) versionIDs(wanted func(*item) bool) []mlflow.VersionID {
	var ids []mlflow.VersionID
	for it := range c.live {
		if id := it.Ref.VersionID(); it.Ref.Kind == mlflow.VersionRef && wanted(it) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

type permitted struct{ kind, id string }

func (c *chunk) readPermissions(ctx context.Context) error {
	set := map[permitted]bool{}
	for it := range c.live {
		if !it.Permissions {
			continue
		}
		set[permitted{ModelKind, it.b.RegisteredModel.Name()}] = it.b.RegisteredModel.Object != nil
		set[permitted{ExperimentKind, it.b.Experiment.ID()}] = it.b.Experiment.Object != nil
	}
	var keys []permitted
	for k, there := range set {
		if there {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b permitted) int { return strings.Compare(a.kind+a.id, b.kind+b.id) })
	found, err := Each(ctx, keys, c.f.filesAtOnce(), func(ctx context.Context, k permitted) (Permissions, error) {
		return PermissionsOf(ctx, c.f.Source, k.kind, k.id)
	})
	for it := range c.live {
		if !it.Permissions {
			continue
		}
		if r, ok := found[permitted{ModelKind, it.b.RegisteredModel.Name()}]; ok {
			it.b.Permissions = r.Value.Lists
			it.b.PermittedModel = mlflow.RegisteredModel{Object: r.Value.Shown}
			it.lackIf(r.Err, ModelKind, fmt.Sprintf("the permissions of registered model %q", it.b.RegisteredModel.Name()))
		}
		if r, ok := found[permitted{ExperimentKind, it.b.Experiment.ID()}]; ok {
			it.b.ExperimentPermissions = r.Value.Lists
			it.lackIf(r.Err, ExperimentKind, "the permissions of experiment "+it.b.Experiment.ID())
		}
	}
	return err
}

func (c *chunk) readEndpoints(ctx context.Context) error {
	found, err := Each(ctx, c.versionIDs(func(it *item) bool { return it.Serving }), c.f.filesAtOnce(), func(ctx context.Context, id mlflow.VersionID) ([]any, error) {
		return endpointsOf(ctx, c.f.Source, id)
	})
	for it := range c.live {
		if r, ok := found[it.Ref.VersionID()]; ok && it.Serving {
			it.b.ServingEndpoints = r.Value
			it.lackIf(r.Err, "serving_endpoints", "the serving endpoints of "+it.Ref.String())
		}
	}
	return err
}

// readTables reads the lineage of the tables that the run was trained on.
func (c *chunk) readTables(ctx context.Context) error {
	set := map[string]bool{}
	for it := range c.live {
		for _, table := range it.tables() {
			set[table] = true
		}
	}
	found, err := Each(ctx, sorted(set), c.f.filesAtOnce(), func(ctx context.Context, table string) (*mlflow.Object, error) {
		return lineageOf(ctx, c.f.Source, table)
	})
	for it := range c.live {
		for _, table := range it.tables() {
			r, ok := found[table]
			if ok && r.Err == nil {
				it.b.TableLineage = append(it.b.TableLineage, mlflow.TableLineage{Table: table, Lineage: r.Value})
			}
			it.lackIf(r.Err, "table_lineage", "the lineage of table "+table)
		}
	}
	return err
}

// tables are the tables of Unity Catalog that the run's datasets name, in
// order; none, when nobody asked.
func (it *item) tables() []string {
	if !it.TableLineage {
		return nil
	}
	set := map[string]bool{}
	for d := range it.b.Run.Object.Object("inputs").Objects("dataset_inputs") {
		set[tableOf(d.Object("dataset").Text("source"))] = true
	}
	return sorted(set)
}

// tableOf reads a table's name off the source of a dataset, as MLflow's client
// writes it for Delta and Spark: `{"delta_table_name": "c.s.t",
// "is_databricks_uc_table": true}`, `{"table_name": "c.s.t"}`.
func tableOf(source string) string {
	v, err := mlflow.DecodeStrict(source)
	o, ok := v.(*mlflow.Object)
	if err != nil || !ok {
		return ""
	}
	name := o.Text("delta_table_name")
	if name == "" {
		name = o.Text("table_name")
	}
	uc, says := o.Get("is_databricks_uc_table")
	parts := strings.Split(name, ".")
	if says && uc != true || len(parts) != 3 || parts[0] == "hive_metastore" || parts[0] == "spark_catalog" {
		return "" // of the workspace's own metastore, which has no lineage
	}
	return name
}
