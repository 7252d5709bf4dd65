package mlflow

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestThinKeepsFirstLastAndEvenlySpacedPoints(t *testing.T) {
	steps := func(n, of int) []int64 {
		points := make([]Point, of)
		for i := range points {
			points[i].Step = int64(of - 1 - i) // in the wrong order
		}
		var out []int64
		for _, p := range Thin(points, n) {
			out = append(out, p.Step)
		}
		return out
	}
	for _, c := range []struct {
		n, of int
		want  []int64
	}{
		{2, 10, []int64{0, 9}}, {3, 11, []int64{0, 5, 10}}, {4, 10, []int64{0, 3, 6, 9}}, {3, 10, []int64{0, 5, 9}},
		{5, 6, []int64{0, 1, 3, 4, 5}}, {1, 3, []int64{2}}, {7, 3, []int64{0, 1, 2}}, {0, 3, []int64{0, 1, 2}}, {2, 0, nil},
	} {
		if d := cmp.Diff(c.want, steps(c.n, c.of)); d != "" {
			t.Errorf("%d of %d points: %s", c.n, c.of, d)
		}
	}
}

func TestHistoriesAreWrittenAsServersWriteNumbers(t *testing.T) {
	h := History{
		"loss": {{0, 1700000000000, 1e-7}, {1, 1700000000001, math.Inf(-1)}, {1, 1700000000001, math.NaN()}, {1, 1700000000001, 5}},
		"acc":  {},
	}
	h["loss"] = Thin(h["loss"], 0)
	const want = `{"acc":[],"loss":[{"step":0,"timestamp":1700000000000,"value":1e-07},{"step":1,"timestamp":1700000000001,"value":"NaN"},` +
		`{"step":1,"timestamp":1700000000001,"value":"-Infinity"},{"step":1,"timestamp":1700000000001,"value":5.0}]}`
	if got := string(JSON{}.Append(nil, h.Object())); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if h.Len() != 4 {
		t.Errorf("%d points", h.Len())
	}
}
