package fetch

import (
	"context"
	"maps"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// How many objects of one kind are remembered at least; twice as many at most.
const (
	memoSize = 1024
	memoFew  = 512 // when they are read shortly before they are needed
)

// memoBytes is how much text a generation has before it becomes the old one.
const memoBytes = 32 << 20

// Memo remembers registered models and experiments, which many versions share.
// It keeps final answers only, a bounded number of them. The zero value is
// empty and ready.
type Memo struct {
	models      cache[mlflow.RegisteredModel]
	experiments cache[mlflow.Experiment]
}

// Over is r, asked only for what is not remembered.
func (m *Memo) Over(r Reader) Reader { return memoReader{r, m} }

type memoReader struct {
	Reader
	memo *Memo
}

func (m memoReader) Models(ctx context.Context, names []string) (Results[string, mlflow.RegisteredModel], error) {
	return m.memo.models.read(ctx, names, m.Reader.Models)
}

func (m memoReader) Experiments(ctx context.Context, ids []string) (Results[string, mlflow.Experiment], error) {
	return m.memo.experiments.read(ctx, ids, m.Reader.Experiments)
}

func (m memoReader) ChildRuns(ctx context.Context, parents []mlflow.Run) (Results[string, []mlflow.Run], error) {
	return ChildRuns(ctx, m.Reader, parents)
}

func (m memoReader) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (Results[string, mlflow.History], error) {
	return MetricHistories(ctx, m.Reader, runs, points)
}

// cache holds two generations: when the young one is full it becomes the old
// one, so what is used again stays and memory is bounded.
type cache[V any] struct {
	mu         sync.Mutex
	young, old Results[string, V]
	bytes      int // of text in young
	few        bool
}

// keepFew says that what is remembered is needed soon or not at all.
func (c *cache[V]) keepFew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.few = true
}

func (c *cache[V]) read(ctx context.Context, keys []string, ask func(context.Context, []string) (Results[string, V], error)) (Results[string, V], error) {
	out := make(Results[string, V], len(keys))
	missing := c.take(keys, out)
	if len(missing) == 0 {
		return out, nil
	}
	fresh, err := ask(ctx, missing)
	maps.Copy(out, fresh)
	c.keep(fresh)
	return out, err
}

// take puts what is remembered into out and returns the other keys.
func (c *cache[V]) take(keys []string, out Results[string, V]) (missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		if r, ok := c.young[k]; ok {
			out[k] = r
		} else if r, ok := c.old[k]; ok {
			out[k] = r
			c.put(k, r)
		} else {
			missing = append(missing, k)
		}
	}
	return missing
}

func (c *cache[V]) keep(fresh Results[string, V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, r := range fresh {
		if Final(r.Err) {
			c.put(k, r)
		}
	}
}

func (c *cache[V]) put(k string, r Result[V]) {
	size := memoSize
	if c.few {
		size = memoFew
	}
	if len(c.young) >= size || c.bytes > memoBytes {
		c.old, c.young, c.bytes = c.young, nil, 0
	}
	c.bytes += sizeOf(r.Value)
	if c.young == nil {
		c.young = Results[string, V]{}
	}
	c.young[k] = r
}
