//go:build unix

package bench

import (
	"io"
	"net/http"
	"time"
)

const (
	neighbourFor  = 5 * time.Second       // on the idle server
	neighbourWait = 20 * time.Millisecond // between its requests
)

// A neighbour is another client of the server: somebody who looks at one
// registered model after the other while a batch is under way.
type neighbour struct {
	idle, busy time.Duration // medians of its requests, without and with a batch
	slowest    time.Duration // with a batch
}

// neighbours measures what a batch with the default settings does to others.
func (b *bench) neighbours(s *size) neighbour {
	deadline := time.After(neighbourFor)
	idle := b.lookEvery(s, func() bool {
		select {
		case <-deadline:
			return true
		default:
			return false
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.batch(s, s.server.URL, "")
	}()
	busy := b.lookEvery(s, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	b.remove(s.out)
	n := neighbour{idle: median(idle), busy: median(busy)}
	for _, took := range busy {
		n.slowest = max(n.slowest, took)
	}
	return n
}

// lookEvery asks for a page of models until it is told to stop, and says how
// long each answer took.
func (b *bench) lookEvery(s *size, stop func() bool) (took []time.Duration) {
	for len(took) == 0 || !stop() {
		began := time.Now()
		r, err := http.Get(s.server.URL + "/api/2.0/mlflow/registered-models/search?max_results=1")
		if err != nil {
			b.t.Error(err)
			return []time.Duration{0}
		}
		_, _ = io.Copy(io.Discard, r.Body) // only the time counts
		r.Body.Close()
		took = append(took, time.Since(began))
		time.Sleep(neighbourWait)
	}
	return took
}
