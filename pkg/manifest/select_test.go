package manifest

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a selection says of itself is what it selects: index.json and messages
// name it so.
func TestSelectionsSayWhatTheySelect(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/selections.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(data, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range m.Entries {
		got = append(got, e.Select.String())
	}
	want := []string{
		"models: fraud_*, filter: tags.tier = '1', versions: filter:tags.approved = 'yes', exclude: fraud_old, exclude: models:/fraud_new/1",
		"models: *, filter: name ILIKE 'a%', versions: latest",
		"experiments: /teams/*, runs: metrics.auc > 0.9, exclude: /teams/x",
		"experiments: /teams/*",
		"runs: tags.release = 'yes'",
		"logged-models: model*, experiments: credit, filter: metrics.auc > 0.9",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s := m.Entries[0].Select
	if !s.Excludes("fraud_old", "") || !s.Excludes("", "models:/fraud_new/1") || s.Excludes("fraud_new", "models:/fraud_new/2") {
		t.Error("the exclusions exclude something else")
	}
}
