package fetch

import (
	"context"
	"fmt"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Lookup tells of resolved refs whether the store has them: nil when it does,
// else the issue that says why not. A location is always there: whether it has
// files is another matter. The error is ctx's.
func Lookup(ctx context.Context, r Reader, refs []mlflow.Ref) (map[mlflow.Ref]*mlflow.Issue, error) {
	out := map[mlflow.Ref]*mlflow.Issue{}
	var versions []mlflow.VersionID
	var logged, runs []string
	for _, ref := range refs {
		switch ref.Kind {
		case mlflow.VersionRef:
			versions = append(versions, ref.VersionID())
		case mlflow.LoggedModelRef:
			logged = append(logged, ref.ModelID)
		case mlflow.RunRef:
			if !slices.Contains(runs, ref.RunID) {
				runs = append(runs, ref.RunID)
			}
		}
	}
	v, err := readSome(ctx, versions, r.Versions)
	if err != nil {
		return nil, err
	}
	l, err := readSome(ctx, logged, func(ctx context.Context, ids []string) (Results[string, mlflow.LoggedModel], error) {
		return r.LoggedModels(ctx, ids, nil)
	})
	if err != nil {
		return nil, err
	}
	u, err := readSome(ctx, runs, func(ctx context.Context, ids []string) (Results[string, mlflow.Run], error) {
		return r.Runs(ctx, ids, nil)
	})
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		var err error
		var gone mlflow.Issue
		switch ref.Kind {
		case mlflow.VersionRef:
			err, gone = v[ref.VersionID()].Err, mlflow.NewIssue("entry", mlflow.VersionNotFound, ref.Model, ref.Version)
		case mlflow.LoggedModelRef:
			err, gone = l[ref.ModelID].Err, mlflow.NewIssue("entry", mlflow.LoggedModelNotFound, ref.ModelID)
		case mlflow.RunRef:
			err, gone = u[ref.RunID].Err, mlflow.NewIssue("entry", mlflow.RunNotFound, ref.RunID)
		}
		if err != nil {
			issue := IssueOf("entry", err, gone, fmt.Sprint(ref))
			out[ref] = &issue
		}
	}
	return out, nil
}

// readSome reads keys, if there are any; what is not answered is unavailable.
func readSome[K comparable, V any](ctx context.Context, keys []K, read func(context.Context, []K) (Results[K, V], error)) (Results[K, V], error) {
	have := Results[K, V]{}
	return have, ask(ctx, have, keys, read)
}
