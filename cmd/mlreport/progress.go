package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/report"
)

// How often progress is shown.
const (
	redrawEvery = 100 * time.Millisecond // on a terminal: one line that changes
	lineEvery   = 10 * time.Second       // elsewhere: a line of its own
)

// A progress tells how far a batch is. Failures are said at once, everything
// else as a count.
type progress struct {
	*env
	quiet bool

	mu       sync.Mutex
	reports  int
	failed   int
	bad      int           // entries that failed or have gaps
	problems []batch.Event // the first of them, for run.json and the summary
	drawn    bool
	last     time.Time
}

func newProgress(e *env, quiet bool) *progress {
	return &progress{env: e, quiet: quiet, last: e.Now()}
}

// done counts one entry; many goroutines call it.
func (p *progress) done(e batch.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Row.Status == report.StatusFailed || e.Row.Status == report.StatusStale {
		p.failed++
	} else {
		p.reports++
	}
	if e.Row.Status != report.StatusOK {
		p.bad++
		if len(p.problems) < maxProblems {
			p.problems = append(p.problems, e)
		}
	}
	every := lineEvery
	if p.Terminal {
		every = redrawEvery
	}
	if now := p.Now(); !p.quiet && now.Sub(p.last) >= every {
		p.last = now
		p.draw()
	}
}

func (p *progress) draw() {
	text := counted(p.reports, "report")
	if p.failed > 0 {
		text += fmt.Sprintf(", %d failed", p.failed)
	}
	if !p.Terminal {
		fmt.Fprintf(p.Stderr, "mlreport: %s so far\n", text)
		return
	}
	p.drawn = true
	fmt.Fprintf(p.Stderr, "\r\033[K%s", text)
}

// close takes the changing line away.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.Stderr, "\r\033[K")
	}
	p.drawn = false
}
