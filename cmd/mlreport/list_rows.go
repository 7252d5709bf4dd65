package main

import (
	"context"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func failing(err error) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) { yield(nil, err) }
}

// objectsOf streams the objects in a listing.
func objectsOf[V any](all iter.Seq2[V, error], object func(V) *mlflow.Object) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		for v, err := range all {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(object(v), nil) {
				return
			}
		}
	}
}

// only passes on what is to be kept; nil: all.
func only(rows iter.Seq2[*mlflow.Object, error], keep func(*mlflow.Object) bool) iter.Seq2[*mlflow.Object, error] {
	if keep == nil {
		return rows
	}
	return func(yield func(*mlflow.Object, error) bool) {
		for row, err := range rows {
			if (err != nil || keep(row)) && !yield(row, err) {
				return
			}
		}
	}
}

// inChunks completes rows, many at a time.
func inChunks(ctx context.Context, rows iter.Seq2[*mlflow.Object, error], complete func(context.Context, []*mlflow.Object) error) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		var held []*mlflow.Object
		flush := func() bool {
			if len(held) == 0 {
				return true
			}
			if err := complete(ctx, held); err != nil {
				yield(nil, err)
				return false
			}
			for _, row := range held {
				if !yield(row, nil) {
					return false
				}
			}
			held = held[:0]
			return true
		}
		for row, err := range rows {
			if err != nil {
				if flush() {
					yield(nil, err)
				}
				return
			}
			if held = append(held, row); len(held) == listChunk && !flush() {
				return
			}
		}
		flush()
	}
}

// distinct lists what rows have as key, each once.
func distinct(rows []*mlflow.Object, key func(*mlflow.Object) string) []string {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = key(row)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
