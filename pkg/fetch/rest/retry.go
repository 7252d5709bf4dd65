package rest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxBackoff = 120 * time.Second // of one wait, as in MLflow's client
	jitter     = time.Second

	mostPages = 3 // tries of one call that may be answered with a page
)

// sleep waits for d unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff is how long MLflow's client waits before retry n (from 1), without
// its jitter: with factor 2 about 0, 4, 8, 16, 32, 64, 120 s.
func backoff(factor float64, n int) time.Duration {
	if n <= 1 {
		return 0
	}
	s := factor * float64(int64(1)<<(n-1))
	return time.Duration(min(s, maxBackoff.Seconds()) * float64(time.Second))
}

// retryAfter reads the header of that name, in seconds or as a date. 0: none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(s, 0), 1<<30)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

// retries is what is left of one call's tries and waits.
type retries struct {
	factor   float64
	goods    int64         // good answers to other calls when this one began
	tries    int           // so far
	left     int           // tries after the first
	pages    int           // tries that were answered with a page
	wait     time.Duration // all that may still be waited
	deadline time.Time     // for as long as the server never answered; zero: none
	heard    *atomic.Bool  // it answered
}

func (c *Client) newRetries() *retries {
	r := &retries{factor: c.opts.BackoffFactor, left: c.opts.MaxRetries, goods: c.breaker.seen(), heard: &c.contacted}
	for n := 1; n <= r.left; n++ {
		r.wait += backoff(r.factor, n) + jitter
	}
	if c.opts.Patience > 0 {
		r.deadline = c.opts.Now().Add(c.opts.Patience)
	}
	return r
}

// next tells how long to wait before the next try, if there is one. What
// Retry-After asks for is cut to what may still be waited.
func (r *retries) next(now time.Time, after time.Duration) (time.Duration, bool) {
	if r.left <= 0 || r.wait <= 0 {
		return 0, false
	}
	r.left--
	d := after
	if d == 0 {
		d = backoff(r.factor, r.tries) + rand.N(jitter) //nolint:gosec // no secret
	}
	d = min(d, r.wait)
	r.wait -= d
	if r.impatient() {
		if !now.Before(r.deadline) {
			return 0, false
		}
		d = min(d, r.deadline.Sub(now))
	}
	return d, true
}

// onlyPages counts a page and tells whether it is of no use to try again: soon
// when the server never gave data, which is how a login page looks.
func (r *retries) onlyPages(good bool) bool {
	r.pages++
	return r.pages == mostPages || r.pages == 2 && !good
}

// impatient tells whether the deadline counts.
func (r *retries) impatient() bool { return !r.deadline.IsZero() && !r.heard.Load() }

// timeout is how long the next try may take.
func (r *retries) timeout(o Options) time.Duration {
	if !r.impatient() {
		return o.Timeout
	}
	return min(o.Timeout, max(r.deadline.Sub(o.Now()), time.Second))
}
