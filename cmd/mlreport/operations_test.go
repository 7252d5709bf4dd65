package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// tableIn lists the first cells of the table below a heading of
// docs/operations.md, without their backticks.
func tableIn(t *testing.T, heading string) (cells []string) {
	t.Helper()
	data, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(data), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/operations.md has no part %q", heading)
	}
	part, _, _ := strings.Cut(after, "\n## ")
	for line := range strings.Lines(part) {
		row := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || row[0] == "| code" || row[0] == "| metric" {
			continue
		}
		for _, cell := range row {
			if strings.Trim(cell, "| \n") == "" && heading != "What to watch" {
				t.Errorf("%s: an empty cell: %s", heading, line)
			}
		}
		cells = append(cells, strings.Trim(row[0], "| `"))
	}
	slices.Sort(cells)
	return cells
}

func TestEveryIssueIsExplainedToOperators(t *testing.T) {
	var want []string
	for _, c := range mlflow.Codes() {
		want = append(want, string(c))
	}
	slices.Sort(want)
	if d := cmp.Diff(want, tableIn(t, "Issues")); d != "" {
		t.Errorf("the program's codes (-) and those of docs/operations.md (+):\n%s", d)
	}
}

// The exit codes are the constants of tui.go.
func TestEveryExitCodeIsExplainedToOperators(t *testing.T) {
	code, err := os.ReadFile("tui.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\texit[A-Z]\w* += (\d+)`).FindAllStringSubmatch(string(code), -1) {
		want = append(want, m[1])
	}
	slices.Sort(want)
	if d := cmp.Diff(want, tableIn(t, "Exit codes")); d != "" || len(want) < 6 {
		t.Errorf("the program's exit codes (-) and those of docs/operations.md (+):\n%s", d)
	}
}

func TestEveryMetricIsExplainedToOperators(t *testing.T) {
	m := &metrics{success: 1}
	var want []string
	for line := range strings.Lines(string(m.encode(time.Unix(1, 0), 0))) {
		if words := strings.Fields(line); words[1] == "TYPE" {
			want = append(want, words[2])
		}
	}
	slices.Sort(want)
	if d := cmp.Diff(want, tableIn(t, "What to watch")); d != "" {
		t.Errorf("the program's metrics (-) and those of docs/operations.md (+):\n%s", d)
	}
}
