package rest

import (
	"net/http"
	"sync"
	"time"
)

const probeEvery = 30 * time.Second

// A breaker remembers that a server used up all retries of a call, so that
// the thousand calls behind it do not wait as long each.
//
// While it is open, a server that is not there (no connection, or a gateway
// speaks for it) is asked once every probeEvery, and other calls fail at once.
// A server that answers 500 is asked for every call, but only once each: it may
// be that one object alone is broken. Any good answer closes it.
type breaker struct {
	mu    sync.Mutex
	goods int64     // good answers so far
	why   *failure  // nil: closed
	probe time.Time // when the next one may go

	away   bool  // a call found nobody there, to the end of its retries,
	awayAt int64 // when so many answers had been good
}

// admit tells whether a call may be tried, and if so, whether again after a
// failure.
func (b *breaker) admit(now time.Time) (why *failure, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.why == nil {
		return nil, true
	}
	if !b.why.absent {
		return nil, false
	}
	if now.Before(b.probe) {
		return b.why, false
	}
	b.probe = now.Add(probeEvery)
	return nil, false
}

// good notes that the server does its work. It returns how often it did.
func (b *breaker) good() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.goods++
	b.why = nil
}

func (b *breaker) seen() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.goods
}

// exhausted notes that a call which began when `since` answers were good has
// used up its retries. It matters only if no other call had a good answer.
func (b *breaker) exhausted(since int64, f *failure, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.absent && f.status != http.StatusTooManyRequests { // which a server says that is there
		b.away, b.awayAt = true, b.goods
	}
	if b.goods != since {
		return
	}
	b.why = f
	b.probe = now.Add(probeEvery)
}

// isAway tells whether there was no good answer since a call found nobody.
func (b *breaker) isAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.away && b.goods == b.awayAt
}
