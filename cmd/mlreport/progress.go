package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/report"
)

// lineEvery is how often progress is said where there is no terminal.
const lineEvery = 10 * time.Second

// maxProblems is how many entries with problems run.json and the terminal list.
const maxProblems = 20

// A progress counts what a batch has done and shows it while it works, also
// while it waits: a bar per host on a terminal, else a line once in a while.
type progress struct {
	*env
	quiet bool
	began time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu      sync.Mutex
	hosts   []*hostProgress // by name
	bad     int             // entries that failed or have gaps
	worst   []batch.Event   // the first maxProblems of them, in the order of the index
	example batch.Event     // the first with a report
}

// A hostProgress is what one host of the batch has done.
type hostProgress struct {
	name     string
	found    int  // objects and failures so far
	all      bool // there will be no more
	statuses map[report.Status]int
}

// newProgress starts to show what the batch does with these hosts.
func newProgress(e *env, hosts []batch.Host, quiet, verbose bool) *progress {
	p := &progress{env: e, quiet: quiet, began: e.Now(), stop: make(chan struct{})}
	for _, h := range hosts {
		p.hosts = append(p.hosts, &hostProgress{name: h.Name, statuses: map[report.Status]int{}})
	}
	slices.SortFunc(p.hosts, func(a, b *hostProgress) int { return cmp.Compare(a.name, b.name) })
	switch {
	case quiet:
	case e.Terminal && e.get("TERM") != "dumb" && !verbose && e.records == nil: // log lines would run through the bars
		p.showBars()
	default:
		p.ended.Go(p.showLines)
	}
	return p
}

// showLines says how far it is again and again until the batch is done.
func (p *progress) showLines() {
	t := time.NewTicker(lineEvery)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.sayLine()
		}
	}
}

// host is the progress of a host; p.mu is held.
func (p *progress) host(name string) *hostProgress {
	i, ok := slices.BinarySearchFunc(p.hosts, name, func(h *hostProgress, name string) int { return cmp.Compare(h.name, name) })
	if !ok {
		p.hosts = slices.Insert(p.hosts, i, &hostProgress{name: name, statuses: map[report.Status]int{}})
	}
	return p.hosts[i]
}

// found notes how much a host has to do; see batch.Options.Found.
func (p *progress) found(host string, n int, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.host(host)
	h.found, h.all = n, all
}

// done counts one entry; many goroutines call it.
func (p *progress) done(e batch.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Kept {
		return
	}
	p.host(e.Row.Host).statuses[e.Row.Status]++
	if !e.Failed && e.Change == "" { // gone or dropped, and nobody asked for it
		return
	}
	if e.Row.Status != report.StatusOK && !e.AllKnown() {
		p.bad++
		p.worst = first(p.worst, e, maxProblems)
	}
	if e.Row.Place != "" && (p.example.Row.Place == "" || byRow(e, p.example) < 0) {
		p.example = e
	}
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

// statuses counts the entries of a host by status.
func (p *progress) statuses(host string) map[report.Status]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.host(host).statuses)
}

// failed counts the entries without a report of today.
func (h *hostProgress) failed() int {
	return h.statuses[report.StatusFailed] + h.statuses[report.StatusStale]
}

// done counts all rows so far.
func (h *hostProgress) done() (n int) {
	for _, c := range h.statuses {
		n += c
	}
	return n
}

// total is how many rows there will be, as far as it is known.
func (h *hostProgress) total() int { return max(h.found, h.done()) }

// left is how long the host will still take at the pace of this far; 0 when
// nobody knows.
func (h *hostProgress) left(took time.Duration) time.Duration {
	done := h.done()
	if !h.all || done == 0 {
		return 0
	}
	return time.Duration(float64(took) / float64(done) * float64(h.total()-done))
}

// rate is how many entries are done in a second.
func rate(done int, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(done) / took.Seconds()
}

// text is how far a host is: `12 of 200, 1 failed, 3.1/s, 1m3s left`.
func (h *hostProgress) text(took time.Duration) string {
	if h.done() == 0 {
		return fmt.Sprintf("waiting for %s", took.Round(time.Second))
	}
	text := fmt.Sprintf("%d of %d", h.done(), h.total())
	if !h.all {
		text += " or more"
	}
	if n := h.failed(); n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	if r := rate(h.done(), took); r > 0 {
		text += fmt.Sprintf(", %s/s", perSecond(r))
	}
	if left := h.left(took).Round(time.Second); left > 0 {
		text += fmt.Sprintf(", %s left", left)
	}
	return text
}

func perSecond(r float64) string {
	if r < 10 {
		return fmt.Sprintf("%.1f", r)
	}
	return fmt.Sprintf("%.0f", r)
}

// sayLine says how far all hosts are, in one line or one record each.
func (p *progress) sayLine() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped() {
		return
	}
	took := p.Now().Sub(p.began)
	done, failed := 0, 0
	var busy []string
	for _, h := range p.hosts {
		done += h.done()
		failed += h.failed()
		if !h.all || h.done() < h.total() {
			busy = append(busy, h.name+" "+h.text(took))
		}
		if p.records != nil {
			p.records.Info("progress", "host", h.name, "done", h.done(), "found", h.total(), "all_found", h.all, "failed", h.failed(),
				"per_second", rate(h.done(), took), "seconds_left", h.left(took).Seconds())
		}
	}
	if p.records != nil {
		return
	}
	text := counted(done-failed, "report")
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	text += fmt.Sprintf(" after %s", took.Round(time.Second))
	if len(busy) > 0 {
		text += "; " + strings.Join(busy, "; ")
	}
	fmt.Fprintf(p.Stderr, "mlreport: %s\n", harmless(text))
}

func (p *progress) stopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// close ends the showing and takes the bars away.
func (p *progress) close() {
	p.mu.Lock()
	close(p.stop)
	p.mu.Unlock()
	p.ended.Wait()
}
