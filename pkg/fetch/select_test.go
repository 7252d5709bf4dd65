package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func world() *mlflowtest.Memory {
	m := &mlflowtest.Memory{}
	m.AddModel("A", map[string]int{"champion": 2, "challenger": 3}, "Archived", "Production", "None")
	m.AddModel("B", nil)
	m.AddModel("fraud", map[string]int{"champion": 1}, "Staging")
	m.AddModel("fraud_eu", nil, "None", "None", "None", "None")
	return m
}

func uri(t *testing.T, s string) mlflow.Ref {
	t.Helper()
	r, err := mlflow.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wants makes one Want of each line: a URI, or `select PREFIX RULE`.
func wants(t *testing.T, lines ...string) []fetch.Want {
	t.Helper()
	var out []fetch.Want
	for i, line := range lines {
		f := strings.Fields(line)
		if f[0] != "select" {
			out = append(out, fetch.Want{Entry: i, Ref: uri(t, line)})
			continue
		}
		s := &fetch.Selector{Text: line, Match: func(n string) bool { return strings.HasPrefix(n, strings.TrimSuffix(f[1], "*")) }}
		switch {
		case f[2] == "aliases":
			s.Versions.Aliases = true
		case strings.HasPrefix(f[2], "alias:"):
			s.Versions.Alias = f[2][6:]
		case strings.HasPrefix(f[2], "stage:"):
			s.Versions.Stage = f[2][6:]
		case f[2] == "latest":
			s.Versions.Latest = 1
		case strings.HasPrefix(f[2], "latest:"):
			fmt.Sscan(f[2][7:], &s.Versions.Latest)
		}
		out = append(out, fetch.Want{Entry: i, Selector: s})
	}
	return out
}

func selected(t *testing.T, m *mlflowtest.Memory, lines ...string) []string {
	t.Helper()
	var out []string
	for s, err := range (&fetch.Fetcher{Source: m, Artifacts: m}).Select(context.Background(), wants(t, lines...)) {
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(s.Ref, " ", s.Entries)
		if s.Failed != nil {
			text = fmt.Sprint(s.Entries, " ", s.Failed)
		}
		out = append(out, text)
	}
	return out
}

func TestEntriesThatMeanTheSameVersionShareIt(t *testing.T) {
	got := selected(t, world(), "models:/A/2", "models:/A@champion", "models:/A/production", "models:/A/latest", "models:/A/02")
	want := []string{"models:/A/2 [0 1 2 4]", "models:/A/3 [3]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSelectorsPickVersions(t *testing.T) {
	for line, want := range map[string][]string{
		"select fraud* all":             {"models:/fraud/1 [0]", "models:/fraud_eu/1 [0]", "models:/fraud_eu/2 [0]", "models:/fraud_eu/3 [0]", "models:/fraud_eu/4 [0]"},
		"select fraud* latest":          {"models:/fraud/1 [0]", "models:/fraud_eu/4 [0]"},
		"select fraud* latest:2":        {"models:/fraud/1 [0]", "models:/fraud_eu/3 [0]", "models:/fraud_eu/4 [0]"},
		"select A* aliases":             {"models:/A/2 [0]", "models:/A/3 [0]"},
		"select * alias:champion":       {"models:/A/2 [0]", "models:/fraud/1 [0]"},
		"select * stage:production":     {"models:/A/2 [0]"},
		"select nothing* all":           {"[0] empty-selection: select nothing* all selects nothing"},
		"select B all":                  {"[0] empty-selection: select B all selects nothing"},
		"models:/A@nobody":              {"[0] alias-not-found: registered model \"A\" has no alias \"nobody\""},
		"models:/B/latest":              {"[0] version-not-found: registered model \"B\" has no version at all"},
		"models:/A/Staging":             {"[0] stage-not-found: registered model \"A\" has no version in stage \"Staging\""},
		"models:/nope@champion":         {"[0] model-not-found: there is no registered model \"nope\""},
		"runs:/abc/model":               {"runs:/abc/model [0]"},
		"models:/m-0123456789abcdef":    {"models:/m-0123456789abcdef [0]"},
		"models:/A/99":                  {"models:/A/99 [0]"}, // whether it is there is found out when it is read
		"models:/fraud_eu/4":            {"models:/fraud_eu/4 [0]"},
		"mlflow-artifacts:/1/a/b/model": {"mlflow-artifacts:/1/a/b/model [0]"},
	} {
		t.Run(line, func(t *testing.T) {
			if d := cmp.Diff(want, selected(t, world(), line)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSelectorsAndRefsAreUnited(t *testing.T) {
	got := selected(t, world(), "select fraud* all", "models:/fraud_eu/2", "select * latest", "models:/fraud@champion")
	want := []string{"models:/A/3 [2]", "models:/fraud/1 [0 2 3]", "models:/fraud_eu/1 [0]", "models:/fraud_eu/2 [0 1]", "models:/fraud_eu/3 [0]", "models:/fraud_eu/4 [0 2]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAListingThatNeverSettlesIsSaid(t *testing.T) {
	m := world()
	n := 0
	m.Listed = func(m *mlflowtest.Memory) {
		n++
		m.AddModel(fmt.Sprint("new", n), nil, "None")
	}
	got := selected(t, m, "select fraud latest", "select new* latest")
	if len(got) == 0 || got[0] != "[0] selection-unstable: select fraud latest changed each time it was listed" {
		t.Errorf("got %q", got)
	}
}

func TestAHostThatCannotBeListedIsNotAnEmptySelection(t *testing.T) {
	for _, kind := range []error{mlflow.ErrUnavailable, mlflow.ErrNotFound, mlflow.ErrUnsupported} {
		m := world()
		m.Fail = func(call, _ string) error {
			if strings.HasPrefix(call, "List") {
				return fmt.Errorf("no list: %w", kind)
			}
			return nil
		}
		got := selected(t, m, "select fraud all", "models:/A/1")
		want := []string{"[0] unavailable: select fraud all could not be read this time", "models:/A/1 [1]"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(kind, d)
		}
	}
}

func TestVersionsListedInAnOrderOfTheStoresOwnAreNotLost(t *testing.T) {
	m := world()
	v := m.ModelVersions
	slices.Reverse(v)
	v[0], v[len(v)/2] = v[len(v)/2], v[0]
	var claimed []string
	f := &fetch.Fetcher{Source: m, Artifacts: m, Claim: func(model string) { claimed = append(claimed, model) }}
	var got []string
	for s, err := range f.Select(context.Background(), wants(t, "select * all", "select fraud* latest:2")) {
		if err != nil || s.Failed != nil {
			t.Fatal(err, s.Failed)
		}
		got = append(got, fmt.Sprint(s.Ref, " ", s.Entries))
	}
	slices.Sort(got)
	want := []string{"models:/A/1 [0]", "models:/A/2 [0]", "models:/A/3 [0]", "models:/fraud/1 [0 1]",
		"models:/fraud_eu/1 [0]", "models:/fraud_eu/2 [0]", "models:/fraud_eu/3 [0 1]", "models:/fraud_eu/4 [0 1]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"A", "fraud", "fraud_eu"}, claimed); d != "" {
		t.Errorf("models must be claimed in byte order, without those that give nothing: %s", d)
	}
}

func TestSelectionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var last error
	for _, err := range (&fetch.Fetcher{Source: world(), Artifacts: world()}).Select(ctx, wants(t, "select * all")) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v", last)
	}
}
