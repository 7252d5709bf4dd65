package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Runs implements fetch.Reader.
func (s *Store) Runs(ctx context.Context, ids, in []string) (fetch.Results[string, mlflow.Run], error) {
	return located(ctx, s, kept{ids, in, runsOf, "run "}, "", s.readRun)
}

// errInvalid says that a meta.yaml does not describe the folder it lies in.
var errInvalid = errors.New("its meta.yaml describes another object")

// readRun reads a run in the folder of an experiment, such as `.trash/12`.
func (s *Store) readRun(ctx context.Context, experiment, id string) (mlflow.Run, error) {
	f, meta, err := s.openRun(ctx, experiment, id)
	if err != nil {
		return mlflow.Run{}, err
	}
	defer f.close()
	v3 := !meta.Has("run_uuid") // which 2.x wrote, too
	data, err := runData(f, id, v3)
	if err != nil {
		return mlflow.Run{}, err
	}
	info, err := runInfo(meta, id, data)
	if err != nil {
		return mlflow.Run{}, err
	}
	inputs, err := s.inputs(ctx, f, experiment)
	if err != nil {
		return mlflow.Run{}, err
	}
	r := mlflow.NewObject(mlflow.Member{Key: "info", Value: info}, mlflow.Member{Key: "data", Value: data}, mlflow.Member{Key: "inputs", Value: inputs})
	if v3 {
		outputs, err := outputs(ctx, f)
		if err != nil {
			return mlflow.Run{}, err
		}
		r.Append("outputs", outputs)
	}
	return mlflow.Run{Object: r}, nil
}

// openRun opens the folder of a run and reads its meta.yaml; the caller closes
// the folder.
func (s *Store) openRun(ctx context.Context, experiment, id string) (folder, *mlflow.Object, error) {
	f, err := s.root.sub(experiment + "/" + id)
	if err != nil {
		return f, nil, err
	}
	meta, err := f.meta(ctx)
	if err == nil && (runID(meta) != id || meta.Text("experiment_id") != path.Base(experiment)) {
		err = fmt.Errorf("%s: %w (run %s of experiment %s)", f.path, errInvalid, runID(meta), meta.Text("experiment_id"))
	}
	if err != nil {
		f.close()
	}
	return f, meta, err
}

// runID is the id in a meta.yaml; very old ones have only `run_uuid`.
func runID(meta *mlflow.Object) string { return cmp.Or(meta.Text("run_id"), meta.Text("run_uuid")) }

func runInfo(meta *mlflow.Object, id string, data *mlflow.Object) (*mlflow.Object, error) {
	status, err := named(meta, "status", 1, "", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
	if err != nil {
		return nil, err
	}
	o := mlflow.NewObject(mlflow.Member{Key: "run_uuid", Value: id}, mlflow.Member{Key: "experiment_id", Value: meta.Text("experiment_id")})
	put(o, "run_name", runName(meta, data))
	put(o, "user_id", text(meta, "user_id"))
	o.Append("status", status)
	put(o, "start_time", number(meta, "start_time"))
	put(o, "end_time", unlessEmpty(number(meta, "end_time")))
	put(o, "artifact_uri", unlessEmpty(text(meta, "artifact_uri")))
	o.Append("lifecycle_stage", lifecycle(meta))
	o.Append("run_id", id)
	return o, nil
}

// runName is the name in meta.yaml or, in old ones, in the tag.
func runName(meta, data *mlflow.Object) any {
	name := text(meta, "run_name")
	if unlessEmpty(name) != nil {
		return name
	}
	for t := range data.Objects("tags") {
		if t.Text("key") == "mlflow.runName" && t.Text("value") != "" {
			return t.Text("value")
		}
	}
	return name
}

// named is the name of an enum that meta.yaml holds as a number.
func named(meta *mlflow.Object, key string, otherwise int, names ...string) (string, error) {
	v, _ := meta.Get(key)
	switch v := v.(type) {
	case nil:
		return names[otherwise], nil
	case string:
		return v, nil
	case mlflow.Number:
		if i, err := strconv.Atoi(string(v)); err == nil && i >= 0 && i < len(names) && names[i] != "" {
			return names[i], nil
		}
	}
	return "", fmt.Errorf("its meta.yaml has %s %v, which MLflow does not know", key, v)
}

func runData(f folder, id string, v3 bool) (*mlflow.Object, error) {
	metrics, err := runMetrics(f, id, v3)
	if err != nil {
		return nil, err
	}
	params, err := f.values("params")
	if err != nil {
		return nil, err
	}
	tags, err := f.values("tags")
	if err != nil {
		return nil, err
	}
	o := mlflow.NewObject()
	putList(o, "metrics", metrics)
	putList(o, "params", params)
	putList(o, "tags", tags)
	return o, nil
}

// ListRuns implements fetch.Source. Folders that hold no run are passed over,
// with a warning, as are runs that cannot be read.
func (s *Store) ListRuns(ctx context.Context, experimentID string) iter.Seq2[mlflow.Run, error] {
	return s.listRuns(ctx, experimentID, fetch.ActiveOnly)
}

func (s *Store) listRuns(ctx context.Context, experimentID string, view fetch.View) iter.Seq2[mlflow.Run, error] {
	return func(yield func(mlflow.Run, error) bool) {
		at, ids, err := s.runsIn(ctx, experimentID, view)
		if err != nil {
			yield(mlflow.Run{}, err)
			return
		}
		for chunk := range slices.Chunk(ids, 64) {
			runs, err := fetch.Each(ctx, chunk, inFlight, func(ctx context.Context, id string) (mlflow.Run, error) { return s.readRun(ctx, at, id) })
			if err != nil {
				yield(mlflow.Run{}, err)
				return
			}
			for _, id := range chunk {
				if runs[id].Err != nil {
					_ = s.passOver("run "+id, runs[id].Err, nil)
				} else if !yield(runs[id].Value, nil) {
					return
				}
			}
		}
	}
}

// runsIn lists the runs of an experiment that a view shows, newest first, and
// the folder that they are in.
func (s *Store) runsIn(ctx context.Context, experimentID string, view fetch.View) (at string, ids []string, err error) {
	what := "experiment " + experimentID
	if !isExperimentID(experimentID) {
		return "", nil, notFound(what)
	}
	at = experimentID
	names, err := s.root.dirs(at)
	if absent(err) {
		at = trashDir + "/" + experimentID
		names, err = s.root.dirs(at)
	}
	if absent(err) {
		return "", nil, notFound(what)
	} else if err != nil {
		return "", nil, failed("listing the runs of "+what, err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains([]string{"tags", "datasets", "traces", modelsDir}, n) })
	starts, err := fetch.Each(ctx, names, inFlight, func(ctx context.Context, id string) (int64, error) { return s.startOf(ctx, at, id, view) })
	if err != nil {
		return "", nil, err
	}
	for _, id := range names {
		if err := starts[id].Err; err == nil {
			ids = append(ids, id)
		} else if !errors.Is(err, errNotShown) {
			_ = s.passOver("run "+id, err, nil)
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(starts[b].Value, starts[a].Value) })
	return at, ids, nil
}

var errNotShown = errors.New("in another stage of its life")

// startOf is the start_time of a run that a view shows, 0 without one.
func (s *Store) startOf(ctx context.Context, experiment, id string, view fetch.View) (int64, error) {
	f, meta, err := s.openRun(ctx, experiment, id)
	if err != nil {
		return 0, err
	}
	f.close()
	if !view.Shows(lifecycle(meta)) {
		return 0, errNotShown
	}
	start, _ := strconv.ParseInt(meta.Text("start_time"), 10, 64)
	return start, nil
}
