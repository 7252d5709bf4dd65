package rest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A lane bounds what one server is asked at once and per second. When the
// server says that it is too much (429, 503), the lane gets half as wide, and
// one place wider again after every widenAfter good answers.
type lane struct {
	slots chan struct{} // a token for each request that may still begin
	rate  *rate.Limiter
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu     sync.Mutex
	width  int       // of slots
	closed int       // slots that are to be, or are, taken out
	owed   int       // of closed: those still used by a request
	good   int       // answers since the lane changed
	shrunk time.Time // when it last got narrower
	until  time.Time // nothing begins before (Retry-After)
}

const widenAfter = 50

func newLane(o Options) *lane {
	l := &lane{slots: make(chan struct{}, o.InFlight), width: o.InFlight, now: o.Now, sleep: o.Sleep}
	for range o.InFlight {
		l.slots <- struct{}{}
	}
	if o.RequestsPerSecond > 0 {
		l.rate = rate.NewLimiter(rate.Limit(o.RequestsPerSecond), 1)
	}
	return l
}

// enter waits for a place. Who gets none (an error: ctx ended) must not leave.
func (l *lane) enter(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.slots:
	}
	err := l.hold(ctx)
	if err == nil && l.rate != nil {
		now := l.now()
		err = l.sleep(ctx, l.rate.ReserveN(now, 1).DelayFrom(now))
	}
	if err != nil {
		l.leave()
	}
	return err
}

// hold waits until the moment that the server named.
func (l *lane) hold(ctx context.Context) error {
	l.mu.Lock()
	d := l.until.Sub(l.now())
	l.mu.Unlock()
	if d <= 0 {
		return ctx.Err()
	}
	return l.sleep(ctx, d)
}

func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owed > 0 {
		l.owed--
		return
	}
	l.slots <- struct{}{}
}

// tooMuch closes the lane for a while and halves it, once for all requests
// that were under way together: began is when the refused one was sent.
func (l *lane) tooMuch(began time.Time, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if t := now.Add(wait); t.After(l.until) {
		l.until = t
	}
	if began.Before(l.shrunk) {
		return
	}
	l.good, l.shrunk = 0, now
	for range (l.width - l.closed) / 2 {
		l.closed++
		select {
		case <-l.slots:
		default:
			l.owed++
		}
	}
}

// fine notes a good answer.
func (l *lane) fine() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == 0 {
		return
	}
	if l.good++; l.good < widenAfter {
		return
	}
	l.good = 0
	l.closed--
	if l.owed > 0 {
		l.owed--
		return
	}
	l.slots <- struct{}{}
}
