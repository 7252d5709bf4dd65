package mlflow

import (
	"cmp"
	"maps"
	"slices"
)

// A Point is one value that was logged of a metric.
type Point struct {
	Step      int64
	Timestamp int64 // milliseconds since 1970, UTC
	Value     float64
}

// A History is what was logged of a run's metrics, by key. Points are in the
// order of SortPoints.
type History map[string][]Point

// SortPoints orders points by step, timestamp and value; NaN is the smallest.
func SortPoints(points []Point) {
	slices.SortFunc(points, func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Timestamp, b.Timestamp), cmp.Compare(a.Value, b.Value))
	})
}

// Thin sorts points and keeps n of them: the first, the last and what lies
// evenly between, by their number. 0 or less keeps all. What is left does not
// hold on to the memory of the others.
func Thin(points []Point, n int) []Point {
	SortPoints(points)
	if n <= 0 || len(points) <= n {
		return points
	}
	if n == 1 {
		return []Point{points[len(points)-1]}
	}
	out := make([]Point, n)
	for i := range out {
		out[i] = points[(i*(len(points)-1)+(n-1)/2)/(n-1)]
	}
	return out
}

// Len counts the points of all metrics.
func (h History) Len() int {
	n := 0
	for _, points := range h {
		n += len(points)
	}
	return n
}

// Object is the history as reports show it: metrics by key, each a list of
// `step`, `timestamp` and `value`. A value that no JSON number can be is text,
// as MLflow's servers write it: see Double.
func (h History) Object() *Object {
	o := &Object{}
	for _, key := range slices.Sorted(maps.Keys(h)) {
		list := make([]any, len(h[key]))
		for i, p := range h[key] {
			list[i] = NewObject(Member{"step", Integer(p.Step)}, Member{"timestamp", Integer(p.Timestamp)}, Member{"value", Double(p.Value)})
		}
		o.Append(key, list)
	}
	return o
}
