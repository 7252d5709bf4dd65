package manifest

import (
	"testing"
	"time"
)

func TestKnownIssuesAreAboutTheEntriesOfTheirManifest(t *testing.T) {
	const known = "known-issues: [{entry: '*', code: denied, reason: x}]\n"
	o := Options{Include: func(string) ([]Source, error) {
		return []Source{{File: "team.yaml", Data: []byte("version: 1\nmodels: [models:/team/1]\n" + known)}}, nil
	}, Also: []Source{{File: "second.yaml", Data: []byte("version: 1\nmodels: [models:/second/1]\n" + known)}}}
	m := parse(t, o, "version: 1", "models: [models:/a/1, models:/b/1]", "include: team.yaml", known)
	got := map[string]string{}
	for _, k := range m.KnownIssues {
		for _, e := range m.Entries {
			if k.IsAbout(e) {
				got[k.File] += e.Ref.Model + " "
			}
		}
	}
	for file, want := range map[string]string{"": "a b team ", "team.yaml": "team ", "second.yaml": "second "} {
		if got[file] != want {
			t.Errorf("known issues of %q are about %q, want %q", file, got[file], want)
		}
	}
}

func TestAKnownIssueCountsUntilItsLastDayIsOver(t *testing.T) {
	day := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	k := KnownIssue{Until: day}
	if k.Expired(day.Add(24*time.Hour - 1)) {
		t.Error("it is over too early")
	}
	if !k.Expired(day.Add(24 * time.Hour)) {
		t.Error("it is not over")
	}
	if (KnownIssue{}).Expired(day) {
		t.Error("one without a date is over")
	}
}
