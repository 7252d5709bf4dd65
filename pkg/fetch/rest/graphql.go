package rest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// graphQLRuns is how many runs one query asks for: MLflow refuses more than
// ten fields at the root.
const graphQLRuns = 10

// completeRuns adds to runs that a search gave what only `runs/get` shows:
// `outputs`, which 3.4 leaves out, and `inputs.model_inputs`, which 3.4, 3.8
// and 3.17 leave out of any run (a run that only evaluates a model has them and
// no outputs). The runs are changed in place.
//
// failed says for which runs that could not be had. The error is ctx's.
func (r *Reader) completeRuns(ctx context.Context, runs []mlflow.Run) (failed map[string]error, err error) {
	failed = map[string]error{}
	runs, err = r.incomplete(ctx, runs, failed)
	if err != nil || len(runs) == 0 {
		return failed, err
	}
	var mu sync.Mutex
	g, gctx := fetch.NewGroup(ctx, r.inFlight())
	for ten := range slices.Chunk(runs, graphQLRuns) {
		g.Go(func() error {
			left, why := r.askGraphQL(gctx, ten)
			for _, run := range left {
				err := r.replace(gctx, run)
				if gctx.Err() != nil {
					return gctx.Err()
				}
				if err == nil && why != nil && len(left) == len(ten) { // it is not the server as a whole
					without(r.log, r.can.graphQL.refused(), "runs by GraphQL", why)
				}
				if err != nil {
					mu.Lock()
					failed[run.ID()] = err
					mu.Unlock()
				}
			}
			return gctx.Err()
		})
	}
	return failed, g.Wait()
}

// incomplete picks the runs whose rest has to be asked for, which is what costs
// most over REST. A run that wrote no logged model may have read one, if the
// server has any. Whether runs without `outputs` lack them or the server has
// none at all (MLflow 2), the `get` of the first one tells.
func (r *Reader) incomplete(ctx context.Context, runs []mlflow.Run, failed map[string]error) ([]mlflow.Run, error) {
	var out, without []mlflow.Run
	for _, run := range runs {
		switch {
		case run.Object.Object("inputs").Has("model_inputs"): // a folder behind the server: its searches show all
		case run.Has("outputs") && len(run.Object.Object("outputs").List("model_outputs")) == 0:
			without = append(without, run)
		case run.Has("outputs"), r.can.runOutputs.yes():
			out = append(out, run)
		case r.can.runOutputs.no():
		default:
			if err := r.replace(ctx, run); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				failed[run.ID()] = err
				continue
			}
			if run.Has("outputs") {
				r.can.runOutputs.proved()
			} else {
				r.can.runOutputs.lacking()
			}
		}
	}
	if len(without) > 0 {
		some, err := r.hasLoggedModels(ctx, len(without))
		if err != nil {
			return nil, err
		}
		if some {
			out = append(out, without...)
		}
	}
	return out, nil
}

// loggedModels remembers whether a server has any logged model.
type loggedModels struct {
	mu          sync.Mutex
	known, some bool
}

// hasLoggedModels tells whether there is any logged model that some runs could
// have read, which is asked once, and not for a few. If in doubt, there is. The
// error is ctx's.
func (r *Reader) hasLoggedModels(ctx context.Context, runs int) (bool, error) {
	r.logged.mu.Lock()
	defer r.logged.mu.Unlock()
	if r.logged.known {
		return r.logged.some, nil
	}
	if runs <= 2*graphQLRuns { // asking takes two requests
		return true, nil
	}
	ids, err := r.experimentIDs(ctx)
	if err != nil {
		return false, err
	}
	some := len(ids) == 0 // nobody said which experiments there are
	pages := r.inScopes(ctx, "logged-models/search", "models", ids, func(ids []any) *mlflow.Object {
		return mlflow.NewObject(mlflow.Member{Key: "experiment_ids", Value: ids}, mlflow.Member{Key: "max_results", Value: number(1)})
	})
	for page, err := range pages {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if some = err != nil || len(page.rows) > 0; some {
			break
		}
	}
	r.logged.known, r.logged.some = true, some
	return some, nil
}

// replace makes a run what `runs/get` shows.
func (r *Reader) replace(ctx context.Context, run mlflow.Run) error {
	whole, err := r.run(ctx, run.ID())
	if err == nil {
		*run.Object = *whole.Object
	}
	return err
}

// askGraphQL completes up to ten runs in one request and returns those that
// it could not, and why.
func (r *Reader) askGraphQL(ctx context.Context, runs []mlflow.Run) (left []mlflow.Run, err error) {
	if r.Databricks || r.can.graphQL.no() {
		return runs, nil
	}
	var params, fields strings.Builder
	vars := &mlflow.Object{}
	for i, run := range runs {
		if i > 0 {
			params.WriteString(", ")
		}
		fmt.Fprintf(&params, "$r%d: String", i)
		fmt.Fprintf(&fields, " r%d: mlflowGetRun(input: {runId: $r%d}) { run { info { runId } inputs { modelInputs { modelId } } outputs { modelOutputs { modelId step } } } }", i, i)
		vars.Append(fmt.Sprintf("r%d", i), run.ID())
	}
	data, err := r.c.GraphQL(ctx, "query("+params.String()+") {"+fields.String()+" }", vars)
	for i, run := range runs {
		if !addModels(run, data.Object(fmt.Sprintf("r%d", i)).Object("run")) {
			left = append(left, run)
		}
	}
	if err == nil {
		r.can.graphQL.proved()
	}
	return left, err
}

// addModels writes what GraphQL says of a run the way `runs/get` does. It
// tells whether that is about this run.
func addModels(run mlflow.Run, said *mlflow.Object) bool {
	if said.Object("info").Text("runId") != run.ID() {
		return false
	}
	var inputs, outputs []any
	for m := range said.Object("inputs").Objects("modelInputs") {
		inputs = append(inputs, mlflow.NewObject(mlflow.Member{Key: "model_id", Value: m.Text("modelId")}))
	}
	for m := range said.Object("outputs").Objects("modelOutputs") {
		outputs = append(outputs, mlflow.NewObject(
			mlflow.Member{Key: "model_id", Value: m.Text("modelId")},
			mlflow.Member{Key: "step", Value: mlflow.Number(m.Text("step"))},
		))
	}
	setList(run.Object, "data", "inputs", "model_inputs", inputs)
	setList(run.Object, "inputs", "outputs", "model_outputs", outputs)
	return true
}

// setList sets a list of a member that stands behind another; an empty list
// is left out, as MLflow does.
func setList(o *mlflow.Object, after, member, list string, values []any) {
	m := o.Object(member)
	if m == nil {
		m = &mlflow.Object{}
		o.SetAfter(after, member, m)
	}
	m.Delete(list)
	if len(values) > 0 {
		m.Set(list, values)
	}
}
