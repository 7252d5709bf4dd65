package enrich_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// eachBundle runs a test on the bundle of each golden case and of the two live
// servers' answers, where those are here.
func eachBundle(t *testing.T, test func(t *testing.T, b *mlflow.Bundle, o enrich.Options)) {
	t.Helper()
	paths, _ := filepath.Glob("testdata/*.txtar")
	if len(paths) < 5 {
		t.Fatal("the cases are missing from testdata")
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b, o := readCase(t, a)
		t.Run(filepath.Base(path), func(t *testing.T) { test(t, b, o) })
	}
	servers, _ := filepath.Glob(filepath.Join(vectors, "*-live-mlflow-*"))
	for _, dir := range servers {
		for _, name := range []string{"wine", "bulk"} {
			b := liveBundle(t, filepath.Base(dir), name)
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				test(t, b, enrich.Options{UI: "http://127.0.0.1:5003", TrackingURI: "http://127.0.0.1:5003"})
			})
		}
	}
}

// liveBundle is what a real server answered about one model.
func liveBundle(t *testing.T, server, name string) *mlflow.Bundle {
	t.Helper()
	at := server + "/" + name
	return &mlflow.Bundle{
		Run:             mlflow.Run{Object: vector(t, at+".run.raw.json").Object("run")},
		Experiment:      mlflow.Experiment{Object: vector(t, at+".experiment.raw.json").Object("experiment")},
		RegisteredModel: mlflow.RegisteredModel{Object: vector(t, at+".registered-model.raw.json").Object("registered_model")},
		ModelVersion:    mlflow.ModelVersion{Object: vector(t, at+".model-version.raw.json").Object("model_version")},
		DownloadURI:     vector(t, at+".download-uri.raw.json").Text("artifact_uri"),
		File:            mlflow.ModelFile{Content: vectorYAML(t, at+".MLmodel")},
	}
}

func TestEnrichingChangesNothingOfItsInput(t *testing.T) {
	eachBundle(t, func(t *testing.T, b *mlflow.Bundle, o enrich.Options) {
		for _, o.Compat = range []bool{false, true} {
			before := mlflow.EncodeReport(bundleObject(b))
			enrich.Bundle(b, o)
			if d := cmp.Diff(string(before), string(mlflow.EncodeReport(bundleObject(b)))); d != "" {
				t.Errorf("compat %t: -before +after\n%s", o.Compat, d)
			}
		}
	})
}

func TestOutputIsStrictJSON(t *testing.T) {
	eachBundle(t, func(t *testing.T, b *mlflow.Bundle, o enrich.Options) {
		for _, o.Compat = range []bool{false, true} {
			out := mlflow.EncodeReport(bundleObject(enrich.Bundle(b, o)))
			if _, err := mlflow.DecodeStrict(string(out)); err != nil {
				t.Errorf("compat %t: %v", o.Compat, err)
			}
		}
	})
}

func TestOrderOfArrivalNeverShows(t *testing.T) {
	eachBundle(t, func(t *testing.T, b *mlflow.Bundle, o enrich.Options) {
		o.Compat = false
		want := string(mlflow.EncodeReport(bundleObject(enrich.Bundle(b, o))))
		random := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			shuffled := shuffleBundle(b, random)
			if d := cmp.Diff(want, string(mlflow.EncodeReport(bundleObject(enrich.Bundle(shuffled, o))))); d != "" {
				t.Fatalf("-in order +shuffled\n%s", d)
			}
		}
	})
}

// shuffleBundle copies a bundle with all lists that MLflow leaves unordered in
// another order.
func shuffleBundle(b *mlflow.Bundle, random *rand.Rand) *mlflow.Bundle {
	out := *b
	out.Run.Object = shuffle(b.Run.Object, random)
	out.Experiment.Object = shuffle(b.Experiment.Object, random)
	out.RegisteredModel.Object = shuffle(b.RegisteredModel.Object, random)
	out.ModelVersion.Object = shuffle(b.ModelVersion.Object, random)
	out.LoggedModel.Object = shuffle(b.LoggedModel.Object, random)
	if b.Files != nil {
		files := *b.Files
		files.Files = append([]mlflow.FileInfo(nil), files.Files...)
		random.Shuffle(len(files.Files), func(i, j int) { files.Files[i], files.Files[j] = files.Files[j], files.Files[i] })
		out.Files = &files
	}
	return &out
}

func shuffle(o *mlflow.Object, random *rand.Rand) *mlflow.Object {
	if o == nil {
		return nil
	}
	out := o.Clone()
	for k, v := range o.Clone().All() {
		if c, ok := v.(*mlflow.Object); ok {
			out.Set(k, shuffle(c, random))
		}
		l, ok := v.([]any)
		if !ok || k == "tags" && repeatsKeys(l) { // of which the last wins
			continue
		}
		for i := range l {
			if c, ok := l[i].(*mlflow.Object); ok {
				l[i] = shuffle(c, random)
			}
		}
		random.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
		out.Set(k, l)
	}
	return out
}

func repeatsKeys(tags []any) bool {
	seen := map[string]bool{}
	for _, v := range tags {
		key := v.(*mlflow.Object).Text("key")
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}
