package rest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// MLflow answers for so many runs, and with so many values, at once.
const (
	historyRuns = 100
	historyRows = 25_000
)

// maxPoints is how many values of one metric of one run are held in memory.
const maxPoints = 5_000_000

// The call of MLflow's web interface that reads one metric of many runs (2.x
// and 3.x), and the one that reads one metric of one run. There is a third,
// `get-history-bulk-interval`, which leaves out points, and negative steps.
const (
	bulkHistory = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
	oneHistory  = "metrics/get-history"
)

// A curve is one metric of one run.
type curve struct{ run, key string }

// MetricHistories implements fetch.Historian: a request per metric and some
// eighty runs; a request per metric and run where the server cannot do that, or
// a metric has more values than it gives at once.
func (r *Reader) MetricHistories(ctx context.Context, runs []mlflow.Run, points int) (fetch.Results[string, mlflow.History], error) {
	h := &histories{r: r, points: points, out: newAnswers[string, mlflow.History](len(runs))}
	byKey := map[string][]string{}
	var keys []string
	for _, run := range runs {
		h.out.put(run.ID(), mlflow.History{}, nil)
		for m := range run.Data().Objects("metrics") {
			key := m.Text("key")
			if byKey[key] == nil {
				keys = append(keys, key)
			}
			byKey[key] = append(byKey[key], run.ID())
		}
	}
	slices.Sort(keys)
	var asks []historyAsk
	for _, key := range keys {
		for _, some := range r.cutRuns(key, byKey[key]) {
			asks = append(asks, historyAsk{key, some})
		}
	}
	if len(asks) > 0 && !r.can.historyBulk.known() { // one request finds out for all
		if err := h.many(ctx, asks[0]); err != nil {
			return nil, err
		}
		asks = asks[1:]
	}
	err := sideBySide(ctx, r.inFlight(), asks, h.many)
	if err == nil {
		err = sideBySide(ctx, r.inFlight(), h.left, h.one)
	}
	return h.out.all, err
}

// sideBySide does something with each item, n at once.
func sideBySide[T any](ctx context.Context, n int, items []T, do func(context.Context, T) error) error {
	g, gctx := fetch.NewGroup(ctx, n)
	for _, item := range items {
		g.Go(func() error { return do(gctx, item) })
	}
	return g.Wait()
}

// A historyAsk is one metric of some runs.
type historyAsk struct {
	key  string
	runs []string
}

// cutRuns cuts runs into what one request can name.
func (r *Reader) cutRuns(key string, runs []string) [][]string {
	room := r.lineRoom() - len(url.QueryEscape(key))
	var out [][]string
	var some []string
	used := 0
	for _, id := range runs {
		size := len("&run_id=") + len(url.QueryEscape(id))
		if len(some) > 0 && (len(some) == historyRuns || used+size > room) {
			out, some, used = append(out, some), nil, 0
		}
		some, used = append(some, id), used+size
	}
	return append(out, some)
}

// histories collects what several requests say of one call.
type histories struct {
	r      *Reader
	points int
	out    *answers[string, mlflow.History]
	mu     sync.Mutex
	left   []curve // to be asked one by one
}

// put takes all points of a curve. One without any is not there, as in a
// database.
func (h *histories) put(c curve, points []mlflow.Point) {
	if len(points) == 0 {
		return
	}
	points = mlflow.Thin(points, h.points)
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	if have := h.out.all[c.run]; have.Err == nil {
		have.Value[c.key] = points
	}
}

func (h *histories) leave(q historyAsk) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range q.runs {
		h.left = append(h.left, curve{id, q.key})
	}
}

// many asks for one metric of several runs at once, which Databricks lets only
// its own pages do. What it does not get is left. The error is ctx's.
func (h *histories) many(ctx context.Context, q historyAsk) error {
	for len(q.runs) > 1 && !h.r.Databricks && !h.r.can.historyBulk.no() {
		found, whole, err := h.r.askHistories(ctx, q)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, mlflow.ErrUnsupported), errors.Is(err, mlflow.ErrInvalid), errors.Is(err, mlflow.ErrNotFound):
			without(h.r.log, h.r.can.historyBulk.refused(), "metric histories of many runs", err)
			h.leave(q)
			return nil
		case errors.Is(err, mlflow.ErrUnavailable) && !isCrash(err):
			for _, id := range q.runs {
				h.out.fail(id, fmt.Errorf("the metric history of run %s: %w", id, err))
			}
			return nil
		case err != nil: // of one run, it may be
			h.leave(q)
			return nil
		}
		h.r.can.historyBulk.proved()
		if whole == 0 { // the first run alone has more than the server gives
			break
		}
		for _, id := range q.runs[:whole] {
			h.take(curve{id, q.key}, found[id])
		}
		q.runs = q.runs[whole:]
	}
	h.leave(q)
	return nil
}

// take keeps what a server says of a curve of which it is known that there is
// a point.
func (h *histories) take(c curve, points []mlflow.Point) {
	if len(points) == 0 {
		h.leave(historyAsk{c.key, []string{c.run}})
		return
	}
	h.put(c, points)
}

// askHistories asks for one metric of several runs, sorts them as the server
// sorts its answer, and tells of how many of them it has all points.
func (r *Reader) askHistories(ctx context.Context, q historyAsk) (found map[string][]mlflow.Point, whole int, err error) {
	slices.Sort(q.runs)
	answer, err := r.c.Get(ctx, bulkHistory, url.Values{"run_id": q.runs, "metric_key": {q.key}, "max_results": {strconv.Itoa(historyRows)}})
	if err != nil {
		return nil, 0, err
	}
	found = map[string][]mlflow.Point{}
	rows, last := 0, ""
	for m := range answer.Objects("metrics") {
		id := m.Text("run_id")
		if _, asked := slices.BinarySearch(q.runs, id); !asked || m.Text("key") != q.key || id < last {
			return nil, 0, errIgnored
		}
		p, err := r.point(bulkHistory, m)
		if err != nil {
			return nil, 0, err
		}
		found[id] = append(found[id], p)
		rows, last = rows+1, id
	}
	if whole = len(q.runs); rows >= historyRows {
		whole, _ = slices.BinarySearch(q.runs, last)
	}
	return found, whole, nil
}

// one asks for one metric of one run.
func (h *histories) one(ctx context.Context, c curve) error {
	points, err := h.r.history(ctx, c)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		h.out.fail(c.run, fmt.Errorf("the history of metric %q of run %s: %w", c.key, c.run, err))
	default:
		h.put(c, points)
	}
	return nil
}

func (r *Reader) history(ctx context.Context, c curve) ([]mlflow.Point, error) {
	var points []mlflow.Point
	for page, err := range r.getPages(ctx, oneHistory, url.Values{"run_id": {c.run}, "metric_key": {c.key}}, "metrics") {
		if err != nil {
			return nil, err
		}
		for _, m := range page.rows {
			if m.Text("key") != c.key {
				return nil, r.nonsense(oneHistory, fmt.Sprintf("is about %q", m.Text("key")))
			}
			p, err := r.point(oneHistory, m)
			if err != nil {
				return nil, err
			}
			points = append(points, p)
		}
		if len(points) > maxPoints {
			return nil, mlflow.Reason(mlflow.ErrTooLarge, "there are more than %d values", maxPoints)
		}
	}
	return points, nil
}

// point reads one value of a history. A number that is not there is 0, as
// everywhere in MLflow's answers.
func (r *Reader) point(path string, m *mlflow.Object) (p mlflow.Point, err error) {
	if p.Step, err = wholeAt(m, "step"); err == nil {
		p.Timestamp, err = wholeAt(m, "timestamp")
	}
	if err == nil {
		p.Value, err = floatAt(m, "value")
	}
	if err != nil {
		return p, r.nonsense(path, "has a metric that is none: "+err.Error())
	}
	return p, nil
}

func wholeAt(o *mlflow.Object, key string) (int64, error) {
	if text := o.Text(key); text != "" {
		return strconv.ParseInt(text, 10, 64)
	}
	return 0, nil
}

// floatAt reads a number, or one of the texts that stand for what JSON has no
// number for.
func floatAt(o *mlflow.Object, key string) (float64, error) {
	switch text := o.Text(key); strings.TrimPrefix(text, "-") {
	case "":
		return 0, nil
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		if text[0] == '-' {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	default:
		return strconv.ParseFloat(text, 64)
	}
}
