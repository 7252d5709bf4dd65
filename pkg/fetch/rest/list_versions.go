package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ListVersions implements fetch.Source. See ListModels about the order; the
// versions of one model are always in order.
func (r *Reader) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return func(yield func(fetch.Version, error) bool) {
		l := &versionListing{r: r, yield: yield}
		var err error
		if q.Models == nil {
			err = l.all(ctx, q)
		} else {
			err = l.named(ctx, sortedNames(q.Models))
		}
		if err != nil && !l.stopped {
			yield(fetch.Version{}, fmt.Errorf("listing model versions: %w", err))
		}
	}
}

type versionListing struct {
	r       *Reader
	yield   func(fetch.Version, error) bool
	stopped bool
}

func (l *versionListing) emit(versions []fetch.Version) {
	for _, v := range versions {
		if l.stopped || !l.yield(v, nil) {
			l.stopped = true
			return
		}
	}
}

func (l *versionListing) all(ctx context.Context, asked fetch.Query) error {
	q := versionOrder()
	narrow(q, asked)
	first := true
	for page, err := range l.r.getPages(ctx, "model-versions/search", q, "model_versions") {
		if err != nil {
			return err
		}
		versions := asVersions(page.rows)
		if first && page.last {
			sortVersions(versions) // MLflow 1.30 has no pages here, and no order
		}
		first = false
		if l.emit(versions); l.stopped {
			return nil
		}
	}
	return nil
}

// named lists the versions of models: of many together where the server knows
// how, else of each.
func (l *versionListing) named(ctx context.Context, names []string) error {
	if err := l.r.probeNames(ctx, names); err != nil {
		return err
	}
	for len(names) > 0 && !l.stopped {
		chunk := l.r.firstLine(names)
		if len(chunk) > 1 && !l.r.can.versionsIn.no() {
			again, err := l.together(ctx, chunk)
			if err != nil {
				return err
			}
			if again {
				continue
			}
		} else {
			chunk = names[:min(len(names), l.r.inFlight())]
			if err := l.apart(ctx, chunk); err != nil {
				return err
			}
		}
		names = names[len(chunk):]
	}
	return nil
}

// firstLine is how many names, from the first, fit into one request.
func (r *Reader) firstLine(names []string) []string {
	room := r.lineRoom()
	for i, n := range names {
		if room -= lineCost(n); room < 0 || !quotable(n) {
			return names[:i]
		}
	}
	return names
}

// together lists the versions of several models. again says that the server
// does not know how; then nothing was listed.
func (l *versionListing) together(ctx context.Context, names []string) (again bool, err error) {
	can := &l.r.can.versionsIn
	q := versionOrder()
	q.Set("filter", inList("name", names))
	asked := newPicked[string, fetch.Version](names, foldName)
	first := true
	for page, err := range l.r.getPages(ctx, "model-versions/search", q, "model_versions") {
		if err != nil {
			if !first || can.yes() || !errors.Is(err, mlflow.ErrInvalid) {
				return false, err
			}
			without(l.r.log, can.refused(), "model versions of several models", err)
			return true, nil
		}
		versions := asVersions(page.rows)
		for _, v := range versions {
			asked.take(v.ID().Model, v)
		}
		switch {
		case asked.foreign && first:
			without(l.r.log, can.lacking(), "model versions of several models", errIgnored)
			return true, nil
		case asked.foreign:
			return false, l.r.nonsense("model-versions/search", "has rows that were not asked for")
		}
		can.proved()
		first = false
		if l.emit(versions); l.stopped {
			return false, nil
		}
	}
	return false, nil
}

// apart lists the versions of a few models, side by side.
func (l *versionListing) apart(ctx context.Context, names []string) error {
	found := make([][]fetch.Version, len(names))
	g, gctx := fetch.NewGroup(ctx, -1)
	for i, name := range names {
		g.Go(func() (err error) {
			found[i], err = l.r.versionsOf(gctx, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, versions := range found {
		l.emit(versions)
	}
	return nil
}

// versionsOf reads all versions of a model, in order.
func (r *Reader) versionsOf(ctx context.Context, name string) ([]fetch.Version, error) {
	filter, ok := equals("name", name)
	if !ok {
		filter, ok = like("name", name)
	}
	if !ok {
		return nil, fmt.Errorf("registered model %q has a name that cannot be searched for: %w", name, mlflow.ErrTooLarge)
	}
	q := versionOrder()
	q.Set("filter", filter)
	var out []fetch.Version
	for page, err := range r.getPages(ctx, "model-versions/search", q, "model_versions") {
		if err != nil {
			return nil, err
		}
		for _, v := range asVersions(page.rows) {
			if v.ID().Model == name {
				out = append(out, v)
			}
		}
	}
	sortVersions(out)
	return out, nil
}

func versionOrder() url.Values {
	return url.Values{"max_results": {fmt.Sprint(maxPage)}, "order_by": {"name", "version_number"}}
}

func asVersions(rows []*mlflow.Object) []fetch.Version {
	out := make([]fetch.Version, len(rows))
	for i, o := range rows {
		out[i] = asVersion(o)
	}
	return out
}

func sortVersions(v []fetch.Version) {
	slices.SortStableFunc(v, func(a, b fetch.Version) int {
		x, y := a.ID(), b.ID()
		return cmp.Or(strings.Compare(x.Model, y.Model), cmp.Compare(x.Version, y.Version))
	})
}
