package main

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// readMetrics reads Prometheus's text format (version 0.0.4) as strictly as
// promtool: each metric once, described, typed, its samples together, no
// sample twice.
func readMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	typed, helped, current := map[string]bool{}, map[string]bool{}, ""
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\"n])*",?)+)\})? (\S+)$`)
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if words := strings.SplitN(line, " ", 4); words[0] == "#" && len(words) == 4 {
			switch name := words[2]; {
			case words[1] == "HELP" && !helped[name] && name != current:
				helped[name], current = true, name
				continue
			case words[1] == "TYPE" && !typed[name] && name == current && words[3] == "gauge":
				typed[name] = true
				continue
			}
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[1] != current || !typed[current] {
			t.Fatalf("line %d: %q", n+1, line)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		key := m[1]
		if m[2] != "" {
			key += "{" + m[2] + "}"
		}
		if _, twice := found[key]; err != nil || twice {
			t.Fatalf("line %d: %q (%v, twice: %v)", n+1, line, err, twice)
		}
		found[key] = value
	}
	if !strings.HasSuffix(text, "\n") {
		t.Fatal("no end of line at the end")
	}
	return found
}

func TestMetricsSayWhatTheBatchDid(t *testing.T) {
	s := newServerUser(t, mlflowtest.FakeOptions{})
	s.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
	s.fake.Fail(mlflowtest.Fault{Endpoint: "mlflow-artifacts/artifacts", Status: 503, Times: 1})
	file := s.path("mlreport.prom")
	run := func(entries ...string) map[string]float64 {
		s.types("run", s.manifest(entries...), "--out", s.path("out"), "--metrics-file", file)
		return readMetrics(t, s.reads(file))
	}
	got := run("models:/wine/2", "models:/nothing/1")
	asked := requestsIn(t, s.path("out", "run.json"))
	want := map[string]float64{
		"mlreport_last_run_exit_code":                              exitPartial,
		`mlreport_host_up{host="prod"}`:                            1,
		`mlreport_host_up{host="samples"}`:                         1,
		`mlreport_entries{host="prod",status="ok"}`:                1,
		`mlreport_entries{host="prod",status="failed"}`:            1,
		`mlreport_entries{host="samples",status="ok"}`:             1,
		`mlreport_entries{host="samples",status="stale"}`:          0,
		`mlreport_requests{code="503",host="prod"}`:                1,
		`mlreport_retries{host="prod"}`:                            1,
		`mlreport_issues{code="model-not-found"}`:                  1,
		`mlreport_reports{change="new"}`:                           2,
		`mlreport_last_success_timestamp_seconds`:                  0, // not there: there was none
		`mlreport_requests{code="200",host="prod"} and the others`: 0,
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	sum := 0.0
	for name, n := range got {
		if strings.HasPrefix(name, "mlreport_requests{") {
			sum += n
		}
	}
	if int(sum) != asked || got[`mlreport_received_bytes{host="prod"}`] == 0 || got["mlreport_last_run_duration_seconds"] <= 0 {
		t.Errorf("%v requests, %d in run.json; %v", sum, asked, got)
	}

	got = run("models:/wine/2")
	success := got[lastSuccess]
	if success < 1.7e9 || success != got["mlreport_last_run_timestamp_seconds"] || got["mlreport_last_run_exit_code"] != 0 {
		t.Error(got)
	}
	s.fake.Fail(mlflowtest.Fault{NoAnswer: true})
	got = run("models:/wine/2")
	if got[lastSuccess] != success || got[`mlreport_host_up{host="prod"}`] != 0 || got[`mlreport_requests{code="none",host="prod"}`] == 0 || got[`mlreport_entries{host="prod",status="stale"}`] != 1 {
		t.Error(got)
	}
	// Also when nothing could be read at all.
	if code := s.types("run", s.path("nothing.yaml"), "--metrics-file", file).code; code != exitUsage {
		t.Error(code)
	}
	if got := readMetrics(t, s.reads(file)); got[lastSuccess] != success || got["mlreport_last_run_exit_code"] != exitUsage {
		t.Error(got)
	}
	if left, _ := os.ReadDir(s.dir); slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), ".mlreport.prom") }) {
		t.Error("a temporary file is left")
	}
}

func TestMetricsOfAHostWithAnOddName(t *testing.T) {
	b := &exposition{}
	b.family("x", "An x.")
	b.sample("x", 0.5, "host", "a\"b\\c\nd", "code", "200")
	if got := readMetrics(t, b.String()); got[`x{host="a\"b\\c\nd",code="200"}`] != 0.5 {
		t.Error(b.String(), got)
	}
}

func TestAMetricsFileThatCannotBeIsRefusedBeforeAnythingIsRead(t *testing.T) {
	s := newServerUser(t, mlflowtest.FakeOptions{})
	for _, c := range [][2]string{
		{s.path("no", "such", "folder"), "no such file or directory"},
		{s.dir, "it is no regular file"},
	} {
		got := s.types("run", s.manifest("models:/wine/2"), "--out", s.path("out"), "--metrics-file", c[0])
		want := "mlreport: error: --metrics-file " + s.plain(c[0]) + ": " + c[1] +
			"\nmlreport: hint: give a file in a folder that is there, such as that of node_exporter's textfile collector\n"
		if d := cmp.Diff(want, got.err); d != "" || got.code != exitUsage || s.fake.Count("") != 0 {
			t.Errorf("exit code %d, %d requests: %s", got.code, s.fake.Count(""), d)
		}
	}
}
