package main

import (
	"os"
	"strings"
	"testing"
)

// What the README shows of the sample store is what the program prints there.
func TestTheReadmeShowsWhatIsPrinted(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../../samples/store")
	stdout, stderr, code := command(t, ".", nil)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if shown := "```\n" + stdout + stderr + "```\n"; !strings.Contains(string(readme), shown) {
		t.Errorf("README.md has not what mlreport prints:\n%s", shown)
	}
	stdout, stderr, code = command(t, ".", nil, "show", "credit_risk_scorecard", "--last", "2")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	_, block, found := strings.Cut(string(readme), "`mlreport show credit_risk_scorecard --last 2`, shortened:\n\n```\n")
	block, _, closed := strings.Cut(block, "```\n")
	if !found || !closed || strings.Count(block, "\n") < 5 {
		t.Fatalf("README.md shows no mlreport show:\n%s", block)
	}
	rest := stdout
	for line := range strings.Lines(block) { // some of the lines, in their order
		_, after, ok := strings.Cut("\n"+rest, "\n"+line)
		if !ok {
			t.Fatalf("README.md shows a line that mlreport show does not print there: %q", line)
		}
		rest = after
	}
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	for _, c := range []struct {
		name     string
		vars     map[string]string
		terminal bool
		want     string
	}{
		{"a terminal", nil, true, "\x1b[1;31mmlreport: error:\x1b[0m there is no command \"x\"\n"},
		{"no terminal", nil, false, "mlreport: error: there is no command \"x\"\n"},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, true, "mlreport: error: there is no command \"x\"\n"},
		{"a terminal that can do nothing", map[string]string{"TERM": "dumb"}, true, "mlreport: error: there is no command \"x\"\n"},
	} {
		var said strings.Builder
		e := &env{Stderr: &said, Terminal: c.terminal, Lookup: func(name string) (string, bool) { v, ok := c.vars[name]; return v, ok }}
		if execute(t.Context(), []string{"x"}, e); !strings.HasPrefix(said.String(), c.want) {
			t.Errorf("%s: %q", c.name, said.String())
		}
	}
}
