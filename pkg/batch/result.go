package batch

import (
	"cmp"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// A Result counts what became of a batch.
type Result struct {
	Statuses map[report.Status]int
	Changes  map[sink.Change]int
	Codes    map[mlflow.Code]int // entries that have an issue of this code
	Lost     int                 // reports that lost a section for good
	Shrunk   []mlflow.Issue      // selections that shrank by more than they may
	Coverage []HostCoverage      // by host, when it was asked for

	hosts     []Host
	selectors []selectorCount
}

type selectorCount struct {
	entry int
	report.Selector
	lastModel string
}

func newResult(o Options) *Result {
	r := &Result{Statuses: map[report.Status]int{}, Changes: map[sink.Change]int{}, Codes: map[mlflow.Code]int{}, hosts: o.Hosts}
	for i, e := range o.Entries {
		if e.Select != nil {
			r.selectors = append(r.selectors, selectorCount{entry: i, Selector: report.Selector{Select: Asked(e), Host: e.Host}})
		}
	}
	return r
}

// count is called for each row, one at a time.
func (r *Result) count(e Event) {
	r.Statuses[e.Row.Status]++
	if e.Change != "" {
		r.Changes[e.Change]++
	}
	if len(e.Row.Lost) > 0 {
		r.Lost++
	}
	for i := range r.selectors {
		if s := &r.selectors[i]; !slices.Contains(e.entries, s.entry) {
			continue
		} else if e.Row.Status == report.StatusOK || e.Row.Status == report.StatusPartial {
			s.Written++
		} else {
			s.Failed++
		}
	}
	var seen []mlflow.Code
	for _, i := range e.Row.Issues {
		if !slices.Contains(seen, i.Code) {
			seen = append(seen, i.Code)
			r.Codes[i.Code]++
		}
	}
}

// selected counts an object for the selectors that found it; objects of one
// model come together.
func (r *Result) selected(entries []int, model string) {
	for i := range r.selectors {
		s := &r.selectors[i]
		if !slices.Contains(entries, s.entry) {
			continue
		}
		s.Selected++
		if s.lastModel != model {
			s.Models++
			s.lastModel = model
		}
	}
}

// Failed tells whether an entry failed or kept an old report, or a selection
// shrank by more than it may.
func (r *Result) Failed() bool {
	return r.Statuses[report.StatusFailed]+r.Statuses[report.StatusStale] > 0 || len(r.Shrunk) > 0
}

// Index is what index.json says beside its rows.
func (r *Result) Index() report.Index {
	var x report.Index
	for _, s := range r.selectors {
		x.Selectors = append(x.Selectors, s.Selector)
	}
	for _, h := range r.hosts {
		x.Hosts = append(x.Hosts, report.Host{Name: h.Name, Source: h.Tracking, Registry: h.Registry, Status: h.status()})
	}
	slices.SortFunc(x.Hosts, func(a, b report.Host) int { return cmp.Compare(a.Name, b.Name) })
	return x
}

func (h Host) status() string {
	if h.Err != nil || h.Answered != nil && !h.Answered() {
		return "unreachable"
	}
	return "ok"
}
