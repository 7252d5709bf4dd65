package filestore

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Limits of metric files, which are read as streams: only the latest counts.
const (
	maxMetricBytes  = 1 << 30
	maxMetricLine   = 64 << 10
	maxMetricGroups = 10_000 // datasets that one metric of a logged model was measured on
)

// A point is one line of a metric file.
type point struct {
	timestamp, step int64
	value           float64
	runID           string // in files of logged models
	dataset, digest string
}

// after tells whether p counts instead of q. As in Python, nothing is larger
// than NaN, so that a NaN that comes first stays.
func (p point) after(q point) bool {
	switch {
	case p.step != q.step:
		return p.step > q.step
	case p.timestamp != q.timestamp:
		return p.timestamp > q.timestamp
	}
	return p.value > q.value
}

// runPoint reads `timestamp value [step [dataset name, dataset digest]]`.
func runPoint(line string) (point, error) {
	fields := strings.Split(strings.TrimSpace(line), " ")
	switch n := len(fields); {
	case n == 2, n == 3:
		return number3(fields)
	case n >= 5: // a name may hold blanks
		p, err := number3(fields[:3])
		p.dataset, p.digest = strings.Join(fields[3:n-1], " "), fields[n-1]
		return p, err
	}
	return point{}, errLine
}

// modelPoint reads `timestamp value step run_id [dataset name, dataset digest]`.
func modelPoint(line string) (point, error) {
	fields := strings.Split(strings.TrimSpace(line), " ")
	n := len(fields)
	if n != 4 && n < 6 {
		return point{}, errLine
	}
	p, err := number3(fields[:3])
	p.runID = fields[3]
	if n >= 6 {
		p.dataset, p.digest = strings.Join(fields[4:n-1], " "), fields[n-1]
	}
	return p, err
}

var errLine = errors.New("a line that is no metric")

// number3 reads timestamp, value and, where there is one, step.
func number3(fields []string) (p point, err error) {
	if p.timestamp, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return p, errLine
	}
	p.value, err = strconv.ParseFloat(fields[1], 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range is infinite, as in Python
		return p, errLine
	}
	if len(fields) == 3 {
		if p.step, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
			return p, errLine
		}
	}
	return p, nil
}

// points streams the lines of a metric file.
func (f file) points(read func(string) (point, error), each func(point) error) error {
	in, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if info, err := in.Stat(); err == nil && info.Size() > maxMetricBytes {
		return tooLarge(f.path(), maxMetricBytes)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxMetricLine)
	at, any := f.path(), false
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		any = true
		p, err := read(lines.Text())
		if err == nil {
			err = each(p)
		}
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", at, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if !any {
		return fmt.Errorf("%s: the file of a metric is empty", at)
	}
	return nil
}

// runMetrics reads the latest value of each metric of a run.
func runMetrics(f folder, runID string, v3 bool) ([]any, error) {
	var list []any
	err := f.visit("metrics", func(m file) error {
		var latest *point
		err := m.points(runPoint, func(p point) error {
			if latest == nil || p.after(*latest) {
				latest = &p
			}
			return nil
		})
		if err != nil {
			return err
		}
		if v3 {
			latest.runID = runID
		}
		list = append(list, metric(m.key, *latest, ""))
		return nil
	})
	byText(list, func(o *mlflow.Object) string { return o.Text("key") })
	return list, err
}

// modelMetrics reads, for each metric of a logged model, the latest value on
// each dataset, and the latest without one.
func modelMetrics(f folder, modelID string) ([]any, error) {
	var list []any
	err := f.visit("metrics", func(m file) error {
		latest, err := m.latestByDataset()
		for _, p := range latest {
			list = append(list, metric(m.key, p, modelID))
		}
		return err
	})
	byText(list, func(o *mlflow.Object) string { return o.Text("key") })
	return list, err
}

func (f file) latestByDataset() ([]point, error) {
	var latest []point
	groups := map[[2]string]int{}
	err := f.points(modelPoint, func(p point) error {
		group := [2]string{p.dataset, p.digest}
		i, ok := groups[group]
		switch {
		case !ok && len(latest) >= maxMetricGroups:
			return mlflow.Reason(mlflow.ErrTooLarge, "more than %d datasets", maxMetricGroups)
		case !ok:
			groups[group] = len(latest)
			latest = append(latest, p)
		case p.after(latest[i]):
			latest[i] = p
		}
		return nil
	})
	return latest, err
}

func metric(key string, p point, modelID string) *mlflow.Object {
	o := mlflow.NewObject(
		mlflow.Member{Key: "key", Value: utf8(key)},
		mlflow.Member{Key: "value", Value: mlflow.Double(p.value)},
		mlflow.Member{Key: "timestamp", Value: integer(p.timestamp)},
		mlflow.Member{Key: "step", Value: integer(p.step)})
	put(o, "dataset_name", unlessEmpty(utf8(p.dataset)))
	put(o, "dataset_digest", unlessEmpty(utf8(p.digest)))
	put(o, "model_id", unlessEmpty(modelID))
	put(o, "run_id", unlessEmpty(utf8(p.runID)))
	return o
}

func integer(n int64) mlflow.Number { return mlflow.Number(strconv.FormatInt(n, 10)) }
