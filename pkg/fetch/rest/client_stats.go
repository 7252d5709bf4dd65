package rest

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// Stats count what a Client did since it was made.
type Stats struct {
	Requests int64         // tries that were sent, retries included
	Retries  int64         // tries after the first one of a call
	Faults   int64         // tries without a complete answer
	Bytes    int64         // of the bodies of answers, as read
	Statuses map[int]int64 // answers by HTTP status
}

type counts struct {
	mu sync.Mutex
	s  Stats
}

func (c *counts) add(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.s)
}

func (c *counts) answered(status int, bytes int64) {
	c.add(func(s *Stats) {
		if s.Statuses == nil {
			s.Statuses = map[int]int64{}
		}
		s.Statuses[status]++
		s.Bytes += bytes
	})
}

// tell logs a request and what came of it. Of its address only what the call
// is named by: an address may hold a secret.
func (c *Client) tell(ctx context.Context, q call, a *answer, f **failure, sent time.Time) {
	if !c.opts.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	took := c.opts.Now().Sub(sent).Round(time.Millisecond)
	log := c.opts.Log.With("method", q.method, "call", q.name)
	if failed := *f; failed != nil {
		log.Debug("request", "status", failed.status, "took", took, "error", failed.err)
		return
	}
	log.Debug("request", "status", a.status, "bytes", len(a.body), "took", took)
}

// Away tells whether the server went away and did not come back: a call used up
// its retries and found nobody there, and no answer was good since.
func (c *Client) Away() bool { return c.breaker.isAway() }

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	c.counts.mu.Lock()
	defer c.counts.mu.Unlock()
	s := c.counts.s
	s.Statuses = maps.Clone(s.Statuses)
	return s
}
