package sink

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A preview says what the next batch does, and does nothing.
func TestAPreviewTellsWhatABatchWillDo(t *testing.T) {
	model, other := []byte("flavors: {}\n"), []byte("flavors: {a: 1}\n")
	gone := []mlflow.Issue{mlflow.NewIssue("mlflow_model", mlflow.ArtifactMissing, "x")}
	for name, c := range map[string]struct {
		old, now *Report
		want     Change
	}{
		"a new report":             {nil, &Report{JSON: doc("2", "run")}, New},
		"another report":           {&Report{JSON: doc("1", "run=1")}, &Report{JSON: doc("2", "run=2")}, Changed},
		"the same at another time": {&Report{JSON: doc("1", "run"), MLmodel: model}, &Report{JSON: doc("2", "run"), MLmodel: model}, Unchanged},
		"another MLmodel":          {&Report{JSON: doc("1", "run"), MLmodel: model}, &Report{JSON: doc("1", "run"), MLmodel: other}, Changed},
		"MLmodel appeared":         {&Report{JSON: doc("1", "run")}, &Report{JSON: doc("1", "run"), MLmodel: model}, Changed},
		"MLmodel gone for good":    {&Report{JSON: doc("1", "run"), MLmodel: model}, &Report{JSON: doc("1", "run"), Issues: gone}, Changed},
		"MLmodel missing, unknown": {&Report{JSON: doc("1", "run"), MLmodel: model}, &Report{JSON: doc("1", "run")}, Unchanged},
		"it would lose a section":  {&Report{JSON: doc("1", "run")}, &Report{JSON: doc("2"), Issues: []mlflow.Issue{unavailable("run")}}, Stale},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			if c.old != nil {
				c.old.Place = "A/7"
				batch(t, Options{Dir: dir}, *c.old)
			}
			before := files(t, dir)
			c.now.Place = "A/7"
			preview, err := OpenPreview(Options{Dir: dir, Same: sameButStamp})
			if err != nil {
				t.Fatal(err)
			}
			defer preview.Close()
			told, err := preview.WriteReport(*c.now)
			if err != nil || told.Change != c.want {
				t.Errorf("it tells %s, %v; want %s", told.Change, err, c.want)
			}
			if d := cmp.Diff(before, files(t, dir)); d != "" {
				t.Errorf("the preview changed the folder: %s", d)
			}
			if done := batch(t, Options{Dir: dir}, *c.now)[0]; done.Change != c.want {
				t.Errorf("the batch did %s", done.Change)
			}
		})
	}
}

func TestAPreviewFindsWhatAFailureWouldKeep(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1", "run")})
	preview, err := OpenPreview(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer preview.Close()
	if w, ok, err := preview.Keep("A/7"); !ok || err != nil || w.Change != Stale || len(w.Files) != 1 {
		t.Errorf("%+v, %v, %v", w, ok, err)
	}
	if _, ok, err := preview.Keep("A/8"); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}
