package main

import (
	"cmp"
	"fmt"
	"slices"
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

// maxProblems is how many entries with problems run.json and the terminal list.
const maxProblems = 20

// A progress counts what a batch has done and shows it while it works, also
// while it waits.
type progress struct {
	*env
	quiet bool
	began time.Time
	stop  chan struct{}

	mu      sync.Mutex
	reports int
	failed  int
	bad     int           // entries that failed or have gaps
	worst   []batch.Event // the first maxProblems of them, in the order of the index
	example batch.Event   // the first with a report
	drawn   bool
}

func newProgress(e *env, quiet bool) *progress {
	p := &progress{env: e, quiet: quiet, began: e.Now(), stop: make(chan struct{})}
	if !quiet {
		go p.show()
	}
	return p
}

// show shows the counts again and again until the batch is done.
func (p *progress) show() {
	every := lineEvery
	if p.Terminal {
		every = redrawEvery
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.draw()
		}
	}
}

// done counts one entry; many goroutines call it.
func (p *progress) done(e batch.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed(e) {
		p.failed++
	} else {
		p.reports++
	}
	if e.Row.Status != report.StatusOK {
		p.bad++
		p.worst = first(p.worst, e, maxProblems)
	}
	if e.Row.Place != "" && (p.example.Row.Place == "" || byRow(e, p.example) < 0) {
		p.example = e
	}
}

// failed tells whether an entry has no report of today.
func failed(e batch.Event) bool {
	return e.Row.Status == report.StatusFailed || e.Row.Status == report.StatusStale
}

// byRow compares events as the index orders their rows.
func byRow(a, b batch.Event) int {
	return cmp.Or(cmp.Compare(a.Row.Entry, b.Row.Entry), cmp.Compare(a.Row.Model, b.Row.Model),
		cmp.Compare(a.Row.Version, b.Row.Version), cmp.Compare(a.Row.URI, b.Row.URI))
}

// first adds to a list that keeps the first most events of the index, so that
// what is said does not depend on which store was faster.
func first(list []batch.Event, e batch.Event, most int) []batch.Event {
	i, _ := slices.BinarySearchFunc(list, e, byRow)
	list = slices.Insert(list, i, e)
	return list[:min(len(list), most)]
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped() {
		return
	}
	text := counted(p.reports, "report")
	if p.failed > 0 {
		text += fmt.Sprintf(", %d failed", p.failed)
	}
	text += fmt.Sprintf(" after %s", p.Now().Sub(p.began).Round(time.Second))
	if !p.Terminal {
		fmt.Fprintf(p.Stderr, "mlreport: %s\n", text)
		return
	}
	p.drawn = true
	fmt.Fprintf(p.Stderr, "\r\033[K%s", text)
}

func (p *progress) stopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// close ends the showing and takes the changing line away.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.stop)
	if p.drawn {
		fmt.Fprint(p.Stderr, "\r\033[K")
	}
	p.drawn = false
}
