package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
	"github.com/mlreport/mlreport/pkg/sink"
)

// lastSuccess is the one metric that outlives a batch: a batch that fails takes
// it over from the file that it replaces.
const lastSuccess = "mlreport_last_success_timestamp_seconds"

// A metrics is what a batch tells Prometheus: a file in its text format, for
// the textfile collector of node_exporter or for a push gateway. All values are
// gauges, those of the last batch.
type metrics struct {
	*env
	path    string
	began   time.Time
	success float64 // when a batch last ended well, in seconds since 1970; 0: not known

	hosts   []hostMetrics // by name
	changes map[sink.Change]int
	codes   map[mlflow.Code]int
	known   map[mlflow.Code]int
}

// hostMetrics are those of one host.
type hostMetrics struct {
	name           string
	up             bool
	statuses       map[report.Status]int
	answers        map[string]int64 // by HTTP status; `none` for no answer
	retries, bytes int64
}

// newMetrics sees to it, before anything is read, that the file can be written.
func newMetrics(path string, e *env) (*metrics, error) {
	m := &metrics{env: e, path: path, began: e.Now()}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = os.Stat(filepath.Dir(path)); err == nil {
			return m, nil
		}
	}
	var old []byte
	if err == nil {
		old, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &mlflow.Error{Err: errUsage{fmt.Errorf("--metrics-file %s: %w", path, withoutPath(err))}, Hint: "give a file in a folder that is there, such as that of node_exporter's textfile collector"}
	}
	for line := range strings.Lines(string(old)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), lastSuccess+" "); ok {
			if v, err := strconv.ParseFloat(value, 64); err == nil && v > 0 && !math.IsInf(v, 0) {
				m.success = v
			}
		}
	}
	return m, nil
}

// batch takes what a batch did, finished or not.
func (m *metrics) batch(w *work, r *batch.Result) {
	if m.path == "" {
		return
	}
	m.changes, m.codes, m.known = r.Changes, r.Codes, r.Verdict.Known
	for _, h := range w.hosts {
		x := hostMetrics{name: h.Name, up: h.Err == nil && h.answered(), statuses: w.show.statuses(h.Name), answers: map[string]int64{}}
		for _, st := range h.stores {
			if st.client == nil {
				continue
			}
			stats := st.client.Stats()
			none := stats.Requests
			x.retries += stats.Retries
			x.bytes += stats.Bytes
			for status, n := range stats.Statuses {
				x.answers[strconv.Itoa(status)] += n
				none -= n
			}
			if none > 0 {
				x.answers["none"] += none
			}
		}
		m.hosts = append(m.hosts, x)
	}
	slices.SortFunc(m.hosts, func(a, b hostMetrics) int { return strings.Compare(a.name, b.name) })
}

// write writes the file beside its place and renames it: who reads it finds
// the old one or the new one, whole.
func (m *metrics) write(code int) error {
	ended := m.Now()
	if code == exitOK {
		m.success = seconds(ended)
	}
	err := writeWhole(m.path, m.encode(ended, code))
	if err != nil {
		return &mlflow.Error{Err: fmt.Errorf("--metrics-file: writing %s: %w", m.path, withoutPath(err)), Hint: "the tree is as it should be; give a file in a folder that this user may write to"}
	}
	return nil
}

func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close()) // who collects metrics is another user
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// encode writes the text format, version 0.0.4.
func (m *metrics) encode(ended time.Time, code int) []byte {
	b := &exposition{}
	if m.success > 0 {
		b.family(lastSuccess, "When a batch last ended with exit code 0, in seconds since 1970.")
		b.sample(lastSuccess, m.success)
	}
	for _, g := range []struct {
		name, help string
		value      float64
	}{
		{"mlreport_last_run_timestamp_seconds", "When the last batch ended, in seconds since 1970.", seconds(ended)},
		{"mlreport_last_run_duration_seconds", "How long the last batch took.", ended.Sub(m.began).Seconds()},
		{"mlreport_last_run_exit_code", "Exit code of the last batch.", float64(code)},
	} {
		b.family(g.name, g.help)
		b.sample(g.name, g.value)
	}
	b.family("mlreport_reports", "Reports of the last batch by what became of them.")
	for _, c := range []sink.Change{sink.New, sink.Changed, sink.Unchanged, sink.Stale} {
		b.sample("mlreport_reports", float64(m.changes[c]), "change", string(c))
	}
	b.family("mlreport_issues", "Entries of the last batch that have an issue of this code.")
	for _, c := range slices.Sorted(maps.Keys(m.codes)) {
		b.sample("mlreport_issues", float64(m.codes[c]), "code", string(c))
	}
	b.family("mlreport_known_issues", "Of them, those that the manifest calls known.")
	for _, c := range slices.Sorted(maps.Keys(m.known)) {
		b.sample("mlreport_known_issues", float64(m.known[c]), "code", string(c))
	}
	m.encodeHosts(b)
	return b.Bytes()
}

// encodeHosts writes what there is of each host of the manifest.
func (m *metrics) encodeHosts(b *exposition) {
	b.family("mlreport_host_up", "1 when the host could be asked, 0 when it could not.")
	for _, h := range m.hosts {
		b.sample("mlreport_host_up", map[bool]float64{true: 1}[h.up], "host", h.name)
	}
	b.family("mlreport_entries", "Entries of the last batch by status, as index.json has them.")
	for _, h := range m.hosts {
		for _, s := range []report.Status{report.StatusOK, report.StatusPartial, report.StatusStale, report.StatusFailed, report.StatusGone, report.StatusDropped} {
			b.sample("mlreport_entries", float64(h.statuses[s]), "host", h.name, "status", string(s))
		}
	}
	b.family("mlreport_requests", "Requests of the last batch by HTTP status of the answer; none: no answer came.")
	for _, h := range m.hosts {
		for _, code := range slices.Sorted(maps.Keys(h.answers)) {
			b.sample("mlreport_requests", float64(h.answers[code]), "code", code, "host", h.name)
		}
	}
	b.family("mlreport_retries", "Requests of the last batch that repeated one.")
	for _, h := range m.hosts {
		b.sample("mlreport_retries", float64(h.retries), "host", h.name)
	}
	b.family("mlreport_received_bytes", "Bytes of the bodies of all answers.")
	for _, h := range m.hosts {
		b.sample("mlreport_received_bytes", float64(h.bytes), "host", h.name)
	}
}

// An exposition is a text in the format of Prometheus.
type exposition struct{ bytes.Buffer }

// family begins the samples of one metric.
func (b *exposition) family(name, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help)
}

// sample writes one value; labels are name, value, name, value.
func (b *exposition) sample(name string, value float64, labels ...string) {
	b.WriteString(name)
	for i := 0; i < len(labels); i += 2 {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(b, `%s="%s"`, labels[i], strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(labels[i+1]))
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	fmt.Fprintf(b, " %s\n", strconv.FormatFloat(value, 'f', -1, 64))
}
