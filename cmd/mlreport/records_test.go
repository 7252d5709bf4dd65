package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// records reads lines of JSON; each is an object with time, level and msg.
func records(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		r := map[string]any{}
		if err := json.Unmarshal([]byte(line), &r); err != nil || r["time"] == nil || r["level"] == nil || r["msg"] == nil || !strings.HasSuffix(line, "}\n") {
			t.Errorf("no record: %q (%v)", line, err)
		}
		list = append(list, r)
	}
	return list
}

func TestWithLogFormatJSONEachLineIsARecord(t *testing.T) {
	s := newServerUser(t, mlflowtest.FakeOptions{})
	s.fake.Fail(mlflowtest.Fault{Endpoint: "experiments/get", Status: 403})
	manifest := s.manifest("models:/wine/2", "models:/nothing/1")
	for _, c := range []struct {
		args string
		code int
		want []string // level, what is said, and what belongs to it
	}{
		{"run " + manifest + " --out " + s.path("out"), exitPartial, []string{
			"WARN the credentials may not read experiment 1 denied ",
			"ERROR there is no registered model \"nothing\" model-not-found ", "INFO batch done  "}},
		{"-v run " + manifest + " --out " + s.path("out2") + " --fail-on any", exitPartial, []string{"ERROR --fail-on: there is a gap in 1 report  "}},
		{"-q run " + manifest + " --out " + s.path("out3"), exitPartial, []string{"ERROR there is no registered model \"nothing\" model-not-found "}},
		{"run " + s.writes("bad.yaml", "version: 1\nmodls: []\nmodels: [nonsense]\n"), exitUsage, []string{"ERROR DIR/bad.yaml:2:1: unknown key \"modls\" in a manifest  did you mean \"models\"?"}},
		{"rnu", exitUsage, []string{"ERROR there is no command \"rnu\"  did you mean mlreport run?"}},
		{"validate " + manifest, exitOK, []string{"INFO DIR/m.yaml is valid: 3 entries, 2 hosts  "}},
		{"plan " + manifest + " --out " + s.path("out"), exitPartial, nil},
		{"get-run --run-id 1 --tracking-uri " + s.url, exitFatal, nil},
	} {
		got := s.types(append([]string{"--log-format", "json"}, strings.Fields(c.args)...)...)
		var said []string
		for _, r := range records(t, got.err) {
			hint := ""
			if list, ok := r["hints"].([]any); ok {
				hint = fmt.Sprint(list[0])
			} else if h, ok := r["hint"].(string); ok {
				hint = h
			}
			code, _ := r["code"].(string)
			said = append(said, fmt.Sprintf("%s %s %s %s", r["level"], r["msg"], code, hint))
		}
		if got.code != c.code || len(said) == 0 {
			t.Errorf("%s: exit code %d", c.args, got.code)
		}
		for _, w := range c.want {
			if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, w) }) {
				t.Errorf("%s: not said: %s\n%s", c.args, w, strings.Join(said, "\n"))
			}
		}
	}
}
