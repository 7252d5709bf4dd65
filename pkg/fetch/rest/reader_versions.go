package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	// worthRows is how many rows too many may come to save a request: a
	// request costs a server about as much time as this many rows.
	worthRows = 250

	// maxRows bounds the rows of one request, those too many included.
	maxRows = 2000

	// worthAll is how many versions of a model must be wanted to ask a server
	// that knows no bounds for all versions of the model.
	worthAll = 4
)

// Versions implements fetch.Reader. No search can be asked for pairs of name
// and version, but for names and one range of versions. So the versions of
// each model are cut into windows without large gaps; models with similar
// windows are asked together where the server knows `name IN`, one window at a
// time where not; what remains is asked with `get`.
func (r *Reader) Versions(ctx context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	keys := fetch.Distinct(ids)
	out := newAnswers[mlflow.VersionID, fetch.Version](len(keys))
	if len(keys) > 1 {
		var err error
		if keys, err = r.searchVersions(ctx, keys, out); err != nil {
			return out.all, err
		}
	}
	err := singly(ctx, r, keys, out, r.version)
	return out.all, err
}

func versionQuery(id mlflow.VersionID) url.Values {
	return url.Values{"name": {id.Model}, "version": {strconv.FormatInt(id.Version, 10)}}
}

func (r *Reader) version(ctx context.Context, id mlflow.VersionID) (fetch.Version, error) {
	what := fmt.Sprintf("version %d of registered model %q", id.Version, id.Model)
	o, err := r.getOne(ctx, "model-versions/get", versionQuery(id), "model_version", what, strconv.FormatInt(id.Version, 10), textAt("version"))
	if err != nil {
		return fetch.Version{}, err
	}
	return asVersion(o), nil
}

func (r *Reader) searchVersions(ctx context.Context, keys []mlflow.VersionID, out *answers[mlflow.VersionID, fetch.Version]) ([]mlflow.VersionID, error) {
	together := search[mlflow.VersionID, fetch.Version]{
		r: r, what: "model versions of several models", can: &r.can.versionsIn, ask: r.askVersions, plan: r.planTogether,
	}
	apart := together
	apart.what, apart.can, apart.plan = "model versions of one model", &r.can.versionsNamed, r.planApart
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Model
	}
	if err := r.probeNames(ctx, names); err != nil {
		return nil, err
	}
	left, err := together.run(ctx, keys, out)
	if err != nil {
		return nil, err
	}
	return apart.run(ctx, left, out)
}

// probeNames finds out whether the server knows `name IN`, unless a search of
// models has shown it. MLflow 1.30 ignores it and answers a search of versions,
// which has no pages there, with all versions of all models; so the search of
// models is asked, which has.
func (r *Reader) probeNames(ctx context.Context, names []string) error {
	names = slices.DeleteFunc(fetch.Distinct(names), func(n string) bool { return !quotable(n) })
	if !r.can.modelsIn.known() && len(names) > 1 {
		s := search[string, mlflow.RegisteredModel]{r: r, what: "registered models by name", can: &r.can.modelsIn, ask: r.searchModels}
		if _, err := s.one(ctx, names[:2], newAnswers[string, mlflow.RegisteredModel](2)); err != nil {
			return err
		}
	}
	if r.can.modelsIn.no() {
		r.can.versionsIn.lacking()
	}
	return nil
}

// A window is a range of versions of one model that is asked for as a whole.
type window struct {
	model  string
	lo, hi int64
	ids    []mlflow.VersionID // that are wanted
}

func (w window) rows() int64 { return w.hi - w.lo + 1 }

// windows cuts keys into windows. Those of a model that are more than gap
// apart, and those with many rows, are windows of their own.
func windows(keys []mlflow.VersionID, gap, rows int64) []window {
	keys = slices.SortedFunc(slices.Values(keys), func(a, b mlflow.VersionID) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Version, b.Version))
	})
	var out []window
	for _, k := range keys {
		if n := len(out) - 1; n >= 0 && out[n].model == k.Model && k.Version-out[n].hi <= gap && k.Version-out[n].lo < rows {
			out[n].hi = k.Version
			out[n].ids = append(out[n].ids, k)
			continue
		}
		out = append(out, window{k.Model, k.Version, k.Version, []mlflow.VersionID{k}})
	}
	return out
}

// planTogether puts windows of several models into one request when the rows
// that this brings too many cost less than a request.
func (r *Reader) planTogether(keys []mlflow.VersionID) (chunks [][]mlflow.VersionID, left []mlflow.VersionID) {
	if r.can.versionRange.no() {
		return nil, keys
	}
	all := windows(keys, worthRows, maxRows)
	slices.SortStableFunc(all, func(a, b window) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi))
	})
	var g group
	for _, w := range all {
		cost := lineCost(w.model)
		if !quotable(w.model) || cost > r.lineRoom() {
			left = append(left, w.ids...)
			continue
		}
		if g.models > 0 && (g.line+cost > r.lineRoom() || !g.takes(w)) {
			chunks = append(chunks, g.ids)
			g = group{}
		}
		g.add(w, cost)
	}
	if g.models > 0 {
		chunks = append(chunks, g.ids)
	}
	return chunks, left
}

// A group is windows of one request.
type group struct {
	models int64
	lo, hi int64
	line   int // bytes
	names  map[string]bool
	ids    []mlflow.VersionID
}

func (g *group) takes(w window) bool {
	rows := (g.models + 1) * (max(g.hi, w.hi) - min(g.lo, w.lo) + 1)
	extra := rows - g.models*(g.hi-g.lo+1) - w.rows()
	return extra <= worthRows && rows <= maxRows && !g.names[w.model]
}

func (g *group) add(w window, cost int) {
	if g.models == 0 {
		g.lo, g.hi, g.names = w.lo, w.hi, map[string]bool{}
	}
	g.lo, g.hi = min(g.lo, w.lo), max(g.hi, w.hi)
	g.models++
	g.line += cost
	g.names[w.model] = true
	g.ids = append(g.ids, w.ids...)
}

// planApart makes each window a request of its own. A window of one version is
// left to `get`, which costs the same.
func (r *Reader) planApart(keys []mlflow.VersionID) (chunks [][]mlflow.VersionID, left []mlflow.VersionID) {
	least, gap, rows := 2, int64(worthRows), int64(maxRows)
	if r.can.versionRange.no() {
		least, gap, rows = worthAll, math.MaxInt64, math.MaxInt64
	}
	for _, w := range windows(keys, gap, rows) {
		if _, ok := equals("name", w.model); !ok || len(w.ids) < least {
			left = append(left, w.ids...)
		} else {
			chunks = append(chunks, w.ids)
		}
	}
	return chunks, left
}

// askVersions asks for the versions of one group: names and a range.
func (r *Reader) askVersions(ctx context.Context, ids []mlflow.VersionID) (map[mlflow.VersionID]fetch.Version, error) {
	var names []string
	lo, hi := ids[0].Version, ids[0].Version
	for _, id := range ids {
		if !slices.Contains(names, id.Model) {
			names = append(names, id.Model)
		}
		lo, hi = min(lo, id.Version), max(hi, id.Version)
	}
	filter := inList("name", names)
	if one, ok := equals("name", names[0]); ok && len(names) == 1 {
		filter = one
	}
	if r.can.versionRange.no() {
		return r.askAll(ctx, filter, names, ids)
	}
	q := url.Values{
		"filter":      {fmt.Sprintf("%s AND version_number >= %d AND version_number <= %d", filter, lo, hi)},
		"max_results": {fmt.Sprint(int64(len(names))*(hi-lo+1) + 1)},
	}
	rows, beyond, err := r.versionRows(ctx, q, names, ids, func(n int64) bool { return n >= lo && n <= hi })
	switch {
	case beyond:
		without(r.log, r.can.versionRange.lacking(), "ranges of versions", errIgnored)
		return rows, nil
	case len(names) == 1 && !r.can.versionRange.known() && errors.Is(err, mlflow.ErrInvalid) && !errors.Is(err, errIgnored):
		without(r.log, r.can.versionRange.refused(), "ranges of versions", err)
		return r.askAll(ctx, filter, names, ids)
	case err == nil:
		r.can.versionRange.proved()
	}
	return rows, err
}

// askAll asks for all versions of a model, if enough of them are wanted.
func (r *Reader) askAll(ctx context.Context, filter string, names []string, ids []mlflow.VersionID) (map[mlflow.VersionID]fetch.Version, error) {
	if len(ids) < worthAll {
		return nil, nil
	}
	q := url.Values{"filter": {filter}, "max_results": {fmt.Sprint(maxPage)}, "order_by": {"name", "version_number"}}
	rows, _, err := r.versionRows(ctx, q, names, ids, func(int64) bool { return true })
	return rows, err
}

// versionRows asks a search and keeps the versions that are wanted. beyond
// says that a version came which is not within; then no more pages are read.
func (r *Reader) versionRows(ctx context.Context, q url.Values, names []string, ids []mlflow.VersionID, within func(int64) bool) (found map[mlflow.VersionID]fetch.Version, beyond bool, err error) {
	asked := newPicked[string, struct{}](names, foldName)
	wanted := newPicked[mlflow.VersionID, fetch.Version](ids, same)
	for page, err := range r.getPages(ctx, "model-versions/search", q, "model_versions") {
		if err != nil {
			return wanted.found, beyond, err
		}
		for _, o := range page.rows {
			v := asVersion(o)
			asked.take(v.ID().Model, struct{}{})
			wanted.take(v.ID(), v)
			beyond = beyond || !within(v.ID().Version)
		}
		if asked.foreign {
			return wanted.found, false, errIgnored
		}
		if beyond || len(wanted.found) == len(ids) {
			break
		}
	}
	return wanted.found, beyond, nil
}
