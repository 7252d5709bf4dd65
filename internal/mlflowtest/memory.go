package mlflowtest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Memory is a fetch.Source and fetch.Artifacts whose objects a test writes
// down. It counts calls and can be told to fail.
type Memory struct {
	RegisteredModels []mlflow.RegisteredModel
	ModelVersions    []fetch.Version
	AllRuns          []mlflow.Run
	AllExperiments   []mlflow.Experiment
	AllLoggedModels  []mlflow.LoggedModel
	Histories        map[string]mlflow.History // by run id; a run that is not here has none
	Files            map[string]string         // by location and path, such as `mlflow-artifacts:/1/r/artifacts/model/MLmodel`

	// Fail is asked before each answer; kind is the method, key the object's
	// name or id.
	Fail func(kind, key string) error
	// Listed is called after each listing of models, to change them meanwhile.
	Listed func(m *Memory)

	listing sync.Mutex // two listings may be under way

	mu    sync.Mutex
	calls map[string]int
	asked map[string]int
}

// Calls tells how often a method was called.
func (m *Memory) Calls(kind string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[kind]
}

// Asked tells for how many keys a method was asked in all.
func (m *Memory) Asked(kind string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[kind]
}

func (m *Memory) count(kind string, keys int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls, m.asked = map[string]int{}, map[string]int{}
	}
	m.calls[kind]++
	m.asked[kind] += keys
}

func (m *Memory) fails(kind, key string) error {
	if m.Fail == nil {
		return nil
	}
	return m.Fail(kind, key)
}

func lookup[K comparable, V any](ctx context.Context, m *Memory, kind string, all []V, key func(V) K, keys []K) (fetch.Results[K, V], error) {
	m.count(kind, len(keys))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := fetch.Results[K, V]{}
	for _, k := range keys {
		r := fetch.Result[V]{Err: m.fails(kind, fmt.Sprint(k))}
		if i := slices.IndexFunc(all, func(v V) bool { return key(v) == k }); r.Err == nil && i >= 0 {
			r.Value = all[i]
		} else if r.Err == nil {
			r.Err = fmt.Errorf("%s %v: %w", kind, k, mlflow.ErrNotFound)
		}
		out[k] = r
	}
	return out, nil
}

// Models looks registered models up.
func (m *Memory) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	return lookup(ctx, m, "Models", m.RegisteredModels, mlflow.RegisteredModel.Name, names)
}

// Versions looks versions up.
func (m *Memory) Versions(ctx context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	return lookup(ctx, m, "Versions", m.ModelVersions, versionID, ids)
}

func versionID(v fetch.Version) mlflow.VersionID { return v.ID() }

// LoggedModels looks logged models up.
func (m *Memory) LoggedModels(ctx context.Context, ids, _ []string) (fetch.Results[string, mlflow.LoggedModel], error) {
	return lookup(ctx, m, "LoggedModels", m.AllLoggedModels, mlflow.LoggedModel.ID, ids)
}

// Runs looks runs up.
func (m *Memory) Runs(ctx context.Context, ids, _ []string) (fetch.Results[string, mlflow.Run], error) {
	return lookup(ctx, m, "Runs", m.AllRuns, mlflow.Run.ID, ids)
}

// ChildRuns looks for runs whose tag names a parent.
func (m *Memory) ChildRuns(ctx context.Context, parents []mlflow.Run) (fetch.Results[string, []mlflow.Run], error) {
	m.count("ChildRuns", len(parents))
	out := fetch.Results[string, []mlflow.Run]{}
	for _, p := range parents {
		var children []mlflow.Run
		for _, r := range m.AllRuns {
			if r.ParentID() == p.ID() && r.ExperimentID() == p.ExperimentID() {
				children = append(children, r)
			}
		}
		out[p.ID()] = fetch.Result[[]mlflow.Run]{Value: children, Err: m.fails("ChildRuns", p.ID())}
	}
	return out, ctx.Err()
}

// MetricHistories looks histories up.
func (m *Memory) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (fetch.Results[string, mlflow.History], error) {
	m.count("MetricHistories", len(runs))
	out := fetch.Results[string, mlflow.History]{}
	for _, run := range runs {
		h := mlflow.History{}
		for key, all := range m.Histories[run.ID()] {
			h[key] = mlflow.Thin(slices.Clone(all), points)
		}
		out[run.ID()] = fetch.Result[mlflow.History]{Value: h, Err: m.fails("MetricHistories", run.ID())}
	}
	return out, ctx.Err()
}

// Experiments looks experiments up.
func (m *Memory) Experiments(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Experiment], error) {
	return lookup(ctx, m, "Experiments", m.AllExperiments, mlflow.Experiment.ID, ids)
}

// ListModels lists registered models in the order they were written down, one
// a page.
func (m *Memory) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	return func(yield func(mlflow.RegisteredModel, error) bool) {
		m.count("ListModels", 0)
		if err := m.fails("ListModels", ""); err != nil {
			yield(mlflow.RegisteredModel{}, err)
			return
		}
		m.listing.Lock()
		models := m.RegisteredModels
		m.listing.Unlock()
		for i, r := range models {
			if i == 1 && q.Paged != nil {
				q.Paged()
			}
			if !yield(r, ctx.Err()) || ctx.Err() != nil {
				return
			}
		}
		if m.Listed != nil {
			m.listing.Lock()
			defer m.listing.Unlock()
			m.Listed(m)
		}
	}
}

// ListVersions lists versions in the order they were written down.
func (m *Memory) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		m.count("ListVersions", len(q.Models))
		if err := m.fails("ListVersions", ""); err != nil {
			yield(fetch.Version{}, err)
			return
		}
		for _, v := range m.ModelVersions {
			if q.Models != nil && !slices.Contains(q.Models, v.ID().Model) {
				continue
			}
			if !yield(v, ctx.Err()) || ctx.Err() != nil {
				return
			}
		}
	}
}

// ListRuns lists the runs of an experiment.
func (m *Memory) ListRuns(_ context.Context, experimentID string) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		for _, r := range m.AllRuns {
			if r.ExperimentID() == experimentID && !yield(r, nil) {
				return
			}
		}
	}
}

// ExperimentByName looks an experiment up.
func (m *Memory) ExperimentByName(_ context.Context, name string) (mlflow.Experiment, error) {
	for _, e := range m.AllExperiments {
		if e.Text("name") == name {
			return e, nil
		}
	}
	return mlflow.Experiment{}, fmt.Errorf("experiment %q: %w", name, mlflow.ErrNotFound)
}

// ReadFile reads one of Files, whose content is its own ETag.
func (m *Memory) ReadFile(ctx context.Context, at fetch.Location, path string, limit int64, since fetch.Stamp) (fetch.File, error) {
	m.count("ReadFile", 1)
	key := at.URI + "/" + path
	if err := m.fails("ReadFile", key); err != nil {
		return fetch.File{}, err
	}
	data, ok := m.Files[key]
	switch {
	case ctx.Err() != nil:
		return fetch.File{}, ctx.Err()
	case !ok:
		return fetch.File{}, fmt.Errorf("%s: %w", key, mlflow.ErrNotFound)
	case int64(len(data)) > limit:
		return fetch.File{}, fmt.Errorf("%s: %w", key, mlflow.ErrTooLarge)
	}
	stamp := fetch.Stamp{ETag: fmt.Sprintf("%q", data)}
	if since == stamp {
		return fetch.File{Stamp: stamp, Unchanged: true}, nil
	}
	m.count("ReadFile changed", 1)
	return fetch.File{Data: []byte(data), Stamp: stamp}, nil
}

// List lists Files below a location, folders left out.
func (m *Memory) List(_ context.Context, at fetch.Location, path string, _ int) iter.Seq2[mlflow.FileInfo, error] {
	return func(yield func(mlflow.FileInfo, error) bool) {
		m.count("List", 1)
		root := strings.TrimSuffix(at.URI+"/"+path, "/") + "/"
		if err := m.fails("List", root); err != nil {
			yield(mlflow.FileInfo{}, err)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(m.Files)) {
			if name, ok := strings.CutPrefix(key, root); ok && !yield(mlflow.FileInfo{Path: name, Bytes: int64(len(m.Files[key]))}, nil) {
				return
			}
		}
	}
}

// JSON reads an object that a test writes down; it panics on a slip of the pen.
func JSON(text string) *mlflow.Object {
	o, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return o
}

// AddModel writes a registered model down: aliases as {"champion": 2}, and one
// version per stage, with a run and an MLmodel file each.
func (m *Memory) AddModel(name string, aliases map[string]int, stages ...string) {
	latest := map[string]any{}
	for i, stage := range stages {
		id := fmt.Sprintf("%s-%d", strings.ToLower(strings.ReplaceAll(name, " ", "_")), i+1)
		at := "mlflow-artifacts:/1/" + id + "/artifacts/model"
		v := mlflow.NewObject(mlflow.Member{Key: "name", Value: name}, mlflow.Member{Key: "version", Value: fmt.Sprint(i + 1)},
			mlflow.Member{Key: "current_stage", Value: stage}, mlflow.Member{Key: "source", Value: at},
			mlflow.Member{Key: "run_id", Value: id}, mlflow.Member{Key: "status", Value: "READY"})
		m.ModelVersions = append(m.ModelVersions, fetch.Version{ModelVersion: mlflow.ModelVersion{Object: v}, DownloadURI: at})
		m.AddRun(id)
		m.AddFile(at+"/MLmodel", "artifact_path: model\nflavors:\n  sklearn:\n    code: null\nrun_id: "+id+"\n")
		latest[stage] = v
	}
	o := mlflow.NewObject(mlflow.Member{Key: "name", Value: name})
	var list, al []any
	for _, stage := range slices.Sorted(maps.Keys(latest)) {
		list = append(list, latest[stage])
	}
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		al = append(al, mlflow.NewObject(mlflow.Member{Key: "alias", Value: alias}, mlflow.Member{Key: "version", Value: fmt.Sprint(aliases[alias])}))
	}
	o.Set("latest_versions", list)
	o.Set("aliases", al)
	m.RegisteredModels = append(m.RegisteredModels, mlflow.RegisteredModel{Object: o})
}

// AddRun writes a finished run of experiment 1 down, and the experiment.
func (m *Memory) AddRun(id string) {
	m.AllRuns = append(m.AllRuns, mlflow.Run{Object: JSON(fmt.Sprintf(`{"info":{"run_uuid":%q,"experiment_id":"1","status":"FINISHED",
		"start_time":1700000000000,"end_time":1700000001500,"artifact_uri":"mlflow-artifacts:/1/%[1]s/artifacts","lifecycle_stage":"active","run_id":%[1]q},"data":{},"inputs":{}}`, id))})
	if len(m.AllExperiments) == 0 {
		m.AllExperiments = []mlflow.Experiment{{Object: JSON(`{"experiment_id":"1","name":"training","artifact_location":"mlflow-artifacts:/1","lifecycle_stage":"active"}`)}}
	}
}

// AddFile writes an artifact file down.
func (m *Memory) AddFile(key, data string) {
	if m.Files == nil {
		m.Files = map[string]string{}
	}
	m.Files[key] = data
}
