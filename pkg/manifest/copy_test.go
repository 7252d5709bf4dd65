package manifest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCopyMatchesFilesOfModelAndRun(t *testing.T) {
	files := []string{
		"model/MLmodel.json", "model/conda.yaml", "model/data/conda.yaml", "model/deep/er/plot.PNG", "model/model.pkl", "model/requirements.txt",
		"run/conda.yaml", "run/plots/a.svg", "run/plots/b/c.pdf", "run/report.html",
	}
	for _, c := range []struct {
		words      []string
		want       []string
		model, run bool
	}{
		{[]string{"MLmodel"}, nil, false, false},
		{[]string{"none"}, nil, false, false},
		{[]string{"evidence"}, []string{"model/MLmodel.json", "model/conda.yaml", "model/deep/er/plot.PNG", "model/requirements.txt", "run/plots/a.svg", "run/plots/b/c.pdf", "run/report.html"}, true, true},
		{[]string{"conda.yaml"}, []string{"model/conda.yaml", "model/data/conda.yaml", "run/conda.yaml"}, true, true},
		{[]string{"model/conda.yaml", "model/*.pkl"}, []string{"model/conda.yaml", "model/model.pkl"}, true, false},
		{[]string{"run/plots/*"}, []string{"run/plots/a.svg", "run/plots/b/c.pdf"}, false, true},
		{[]string{"r?n/*.html"}, []string{"run/report.html"}, false, true},
		{[]string{"*/conda.yaml"}, []string{"model/conda.yaml", "model/data/conda.yaml", "run/conda.yaml"}, true, true},
	} {
		got, err := ParseCopy(c.words)
		if err != nil {
			t.Errorf("%q: %v", c.words, err)
			continue
		}
		matched := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !got.Matches(f) })
		if len(matched) == 0 {
			matched = nil
		}
		if d := cmp.Diff(c.want, matched); d != "" {
			t.Errorf("%q: %s", c.words, d)
		}
		if got.OfModel() != c.model || got.OfRun() != c.run || got.IsZero() != !(c.model || c.run) {
			t.Errorf("%q: of the model %v, of the run %v", c.words, got.OfModel(), got.OfRun())
		}
	}
}
