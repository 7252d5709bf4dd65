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
	Verdict  Verdict             // what of all that decides how the batch ends
	Shrunk   []mlflow.Issue      // selections that shrank by more than they may
	Coverage []HostCoverage      // by host, when it was asked for
	Kept     int                 // rows of what was not to be read

	hosts     []Host
	old       report.Index // what it says of what was not read stays
	selectors []selectorCount
}

type selectorCount struct {
	entry int
	report.Selector
	lastModel string
	left      bool // it was not to be read
}

func newResult(o Options) *Result {
	r := &Result{Statuses: map[report.Status]int{}, Changes: map[sink.Change]int{}, Codes: map[mlflow.Code]int{}, hosts: o.Hosts}
	r.Verdict = Verdict{Codes: map[mlflow.Code]int{}, Known: map[mlflow.Code]int{}, waiting: map[string]int{}}
	for _, k := range o.KnownIssues {
		if k.Expired(o.Timestamp) {
			r.Verdict.Expired = append(r.Verdict.Expired, k)
		}
	}
	if old, err := o.Tree.Previous(); old != nil && err == nil && o.Chosen != nil {
		r.old = old.Index
	}
	for i, e := range o.Entries {
		if e.Select != nil {
			r.selectors = append(r.selectors, selectorCount{entry: i, Selector: report.Selector{Select: Asked(e), Host: e.Host}, left: o.Chosen != nil && !o.Chosen(i)})
		}
	}
	return r
}

// count is called for each row, one at a time.
func (r *Result) count(e Event, isNew bool) {
	for i := range r.selectors {
		if s := &r.selectors[i]; !slices.Contains(e.entries, s.entry) {
			continue
		} else if e.Row.Status == report.StatusOK || e.Row.Status == report.StatusPartial {
			s.Written++
		} else {
			s.Failed++
		}
	}
	if e.Kept {
		r.Kept++
		return
	}
	r.Statuses[e.Row.Status]++
	if e.Change != "" {
		r.Changes[e.Change]++
	}
	count(r.Codes, e.Row.Issues)
	r.Verdict.take(e, isNew)
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

// Failed tells whether the batch did not do all that it was to do: an entry has
// no report of today, a host went away, a selection shrank by more than it
// may, or the time of a known issue is over.
func (r *Result) Failed() bool {
	return r.Verdict.failed > 0 || len(r.Shrunk) > 0 || len(r.Verdict.Expired) > 0 || len(r.Away()) > 0
}

// Away names the hosts that gave no answer, or went away and did not come
// back, so that reports lack something: by name, with how many reports.
func (r *Result) Away() map[string]int {
	away := map[string]int{}
	for _, h := range r.hosts {
		if n := r.Verdict.waiting[h.Name]; n > 0 && h.status() != "ok" {
			away[h.Name] = n
		}
	}
	return away
}

// Index is what index.json says beside its rows.
func (r *Result) Index() report.Index {
	var x report.Index
	for _, s := range r.selectors {
		row := s.Selector
		if s.left {
			i := slices.IndexFunc(r.old.Selectors, func(o report.Selector) bool { return o.Select == s.Select && o.Host == s.Host })
			if i < 0 {
				continue
			}
			row = r.old.Selectors[i]
		}
		x.Selectors = append(x.Selectors, row)
	}
	for _, h := range r.hosts {
		x.Hosts = append(x.Hosts, report.Host{Name: h.Name, Source: h.Tracking, Registry: h.Registry, Status: h.status()})
	}
	for _, h := range r.old.Hosts {
		if !slices.ContainsFunc(x.Hosts, func(n report.Host) bool { return n.Name == h.Name }) {
			x.Hosts = append(x.Hosts, h)
		}
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
