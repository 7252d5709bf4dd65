package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// errIgnored says that a search gave rows that its filter excludes: the server
// passes over what it does not know.
var errIgnored = fmt.Errorf("the answer has rows that were not asked for: the filter was ignored: %w", mlflow.ErrInvalid)

// A search is one way to answer many keys at once.
type search[K comparable, V any] struct {
	r    *Reader
	what string   // for the log
	can  *ability // whether the server knows this way

	// plan cuts keys into chunks, one for each request; what cannot be asked
	// this way is left.
	plan func(keys []K) (chunks [][]K, left []K)

	// ask answers a chunk: the rows that were asked for, also beside an error.
	ask func(ctx context.Context, chunk []K) (map[K]V, error)
}

// run answers what it can and returns the keys that are still open: not found,
// which a search must not decide, or not askable this way. The error is ctx's.
func (s search[K, V]) run(ctx context.Context, keys []K, out *answers[K, V]) (left []K, err error) {
	if s.can.no() || len(keys) == 0 {
		return keys, nil
	}
	chunks, left := s.plan(keys)
	if !s.can.known() && len(chunks) > 1 {
		// One request finds out for all.
		open, err := s.one(ctx, chunks[0], out)
		if err != nil {
			return nil, err
		}
		left, chunks = append(left, open...), chunks[1:]
	}
	var mu sync.Mutex
	g, gctx := fetch.NewGroup(ctx, s.r.inFlight())
	for _, chunk := range chunks {
		g.Go(func() error {
			open, err := s.one(gctx, chunk, out)
			mu.Lock()
			defer mu.Unlock()
			left = append(left, open...)
			return err
		})
	}
	err = g.Wait()
	return left, err
}

func (s search[K, V]) one(ctx context.Context, chunk []K, out *answers[K, V]) (open []K, err error) {
	if s.can.no() {
		return chunk, nil
	}
	if out.full() {
		for _, k := range chunk {
			out.fail(k, fetch.TooMuch(k))
		}
		return nil, nil
	}
	rows, err := s.ask(ctx, chunk)
	for _, k := range chunk {
		if v, ok := rows[k]; ok {
			out.put(k, v, nil)
		} else {
			open = append(open, k)
		}
	}
	switch {
	case err == nil:
		s.can.proved()
		return open, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errIgnored):
		without(s.r.log, s.can.lacking(), s.what, err)
		return open, nil
	case errors.Is(err, mlflow.ErrInvalid), errors.Is(err, mlflow.ErrUnsupported):
		without(s.r.log, s.can.refused(), s.what, err)
		return open, nil
	case errors.Is(err, mlflow.ErrTooLarge) && len(open) > 1:
		return s.halves(ctx, open, out)
	case errors.Is(err, mlflow.ErrTooLarge), errors.Is(err, mlflow.ErrNotFound):
		return open, nil
	case isCrash(err): // of one row, it may be
		out.crashed(err)
		return open, nil
	}
	for _, k := range open { // the server as a whole does not answer
		out.fail(k, fmt.Errorf("searching %s: %w", s.what, err))
	}
	return nil, nil
}

// isCrash tells whether the server answered that it failed, which it does when
// a single row is damaged.
func isCrash(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Status == http.StatusInternalServerError
}

func (s search[K, V]) halves(ctx context.Context, chunk []K, out *answers[K, V]) ([]K, error) {
	half := len(chunk) / 2
	first, err := s.one(ctx, chunk[:half:half], out)
	if err != nil {
		return nil, err
	}
	second, err := s.one(ctx, chunk[half:], out)
	return append(first, second...), err
}

// answers collects results of requests that run side by side.
type answers[K comparable, V any] struct {
	mu     sync.Mutex
	all    fetch.Results[K, V]
	budget fetch.Budget
	crash  error // of a search; nil: none
}

func newAnswers[K comparable, V any](n int) *answers[K, V] {
	return &answers[K, V]{all: make(fetch.Results[K, V], n)}
}

func (a *answers[K, V]) put(k K, v V, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.budget.Add(v)
	a.all[k] = fetch.Result[V]{Value: v, Err: err}
}

// full tells whether nothing more is to be read.
func (a *answers[K, V]) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.budget.Full()
}

func (a *answers[K, V]) fail(k K, err error) {
	var none V
	a.put(k, none, err)
}

func (a *answers[K, V]) crashed(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.crash = err
}

// crashProbes is how many objects are asked for after a crash, to find out
// whether it is a row or the server that is damaged.
const crashProbes = 3

// singly answers keys with one request each.
func singly[K comparable, V any](ctx context.Context, r *Reader, keys []K, out *answers[K, V], get func(context.Context, K) (V, error)) error {
	if crash := out.crash; crash != nil && len(keys) > crashProbes {
		out.crash = nil
		probes, others := keys[:crashProbes], keys[crashProbes:]
		if err := singly(ctx, r, probes, out, get); err != nil {
			return err
		}
		if !slices.ContainsFunc(probes, func(k K) bool { return !isCrash(out.all[k].Err) }) {
			for _, k := range others {
				out.fail(k, crash)
			}
			return nil
		}
		keys = others
	}
	g, gctx := fetch.NewGroup(ctx, r.inFlight())
	for _, k := range keys {
		g.Go(func() error {
			var v V
			err := fetch.TooMuch(k)
			if !out.full() {
				err = fetch.Caught(k, func() (err error) { v, err = get(gctx, k); return err })
			}
			if err != nil && gctx.Err() != nil {
				return gctx.Err()
			}
			out.put(k, v, err)
			return nil
		})
	}
	return g.Wait()
}
