package fetch

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Each answers a keyed read one key at a time, n at once: for stores, or for
// kinds of objects, that cannot be asked for many. An error of one is that
// key's Result, unless ctx ended; so is a panic.
func Each[K comparable, V any](ctx context.Context, keys []K, n int, one func(context.Context, K) (V, error)) (Results[K, V], error) {
	out := make(Results[K, V], len(keys))
	var mu sync.Mutex
	var budget Budget
	full := func() bool { mu.Lock(); defer mu.Unlock(); return budget.Full() }
	g, gctx := NewGroup(ctx, n)
	for _, k := range keys {
		g.Go(func() error {
			var v V
			err := TooMuch(k)
			if !full() {
				err = Caught(k, func() (err error) { v, err = one(gctx, k); return err })
			}
			if err != nil && gctx.Err() != nil {
				return gctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			budget.Add(v)
			out[k] = Result[V]{v, err}
			return nil
		})
	}
	err := g.Wait()
	return out, err
}

// Split answers a keyed read in chunks of at most size keys. A chunk whose
// answer is over the store's limit of bytes is asked again in halves, so that
// memory is bounded by bytes and not by a guess at how large objects are.
func Split[K comparable, V any](ctx context.Context, keys []K, size int, many func(context.Context, []K) (Results[K, V], error)) (Results[K, V], error) {
	out := make(Results[K, V], len(keys))
	var budget Budget
	for len(keys) > 0 {
		if budget.Full() {
			for _, k := range keys {
				out[k] = Result[V]{Err: TooMuch(k)}
			}
			return out, nil
		}
		n := min(size, len(keys))
		part, err := many(ctx, keys[:n])
		if err != nil {
			return out, err
		}
		if n > 1 && tooLarge(part) {
			part, err = Split(ctx, keys[:n], (n+1)/2, many)
		}
		maps.Copy(out, part)
		for _, r := range part {
			budget.Add(r.Value)
		}
		if err != nil {
			return out, err
		}
		keys = keys[n:]
	}
	return out, nil
}

// Distinct drops repeated keys.
func Distinct[K comparable](keys []K) []K {
	seen := make(map[K]bool, len(keys))
	var out []K
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

func tooLarge[K comparable, V any](r Results[K, V]) bool {
	for _, v := range r {
		if errors.Is(v.Err, mlflow.ErrTooLarge) {
			return true
		}
	}
	return false
}

// Final tells whether an answer will be the same when it is asked again.
func Final(err error) bool { return err == nil || errors.Is(err, mlflow.ErrNotFound) }
