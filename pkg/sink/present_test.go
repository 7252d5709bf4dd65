package sink

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

func unavailable(section string) mlflow.Issue {
	return mlflow.NewIssue(section, mlflow.Unavailable, "it")
}

func denied(section string) mlflow.Issue { return mlflow.NewIssue(section, mlflow.Denied, "it") }

// The table says, for a report that an earlier batch wrote and one of today,
// which of them is on disk in the end.
func TestWhatOnceWasWrittenIsNotLostByAFailure(t *testing.T) {
	model := []byte("flavors: {}\n")
	deepest := strings.Repeat("[", mlflow.MaxDepth+2) + strings.Repeat("]", mlflow.MaxDepth+2) // an object of MLflow may nest MaxDepth levels in its section
	for name, c := range map[string]struct {
		old, now       []string
		oldMod, nowMod []byte
		issues         []mlflow.Issue
		want           Change
		lost           []string
		modelStays     bool
	}{
		"run unavailable":                {old: []string{"run"}, issues: []mlflow.Issue{unavailable("run")}, want: Stale},
		"run denied after it was read":   {old: []string{"run"}, issues: []mlflow.Issue{denied("run")}, want: Stale},
		"run denied and never read":      {old: []string{"model_version=1"}, now: []string{"model_version=2"}, issues: []mlflow.Issue{denied("run")}, want: Changed},
		"run gone for good":              {old: []string{"run", "experiment"}, now: []string{"experiment"}, issues: []mlflow.Issue{mlflow.NewIssue("run", mlflow.RunNotFound, "01")}, want: Changed, lost: []string{"run"}},
		"one gone, another unavailable":  {old: []string{"run", "experiment"}, issues: []mlflow.Issue{mlflow.NewIssue("run", mlflow.RunNotFound, "01"), unavailable("experiment")}, want: Stale},
		"one gone, one never read":       {old: []string{"run"}, issues: []mlflow.Issue{mlflow.NewIssue("run", mlflow.RunNotFound, "01"), unavailable("experiment")}, want: Changed, lost: []string{"run"}},
		"experiment unknown without run": {old: []string{"run=1", "experiment"}, now: []string{"run=2"}, issues: []mlflow.Issue{unavailable("run")}, want: Stale},
		"listing of files unavailable":   {old: []string{`mlflow_model={"flavors":1,"artifacts":2}`}, now: []string{`mlflow_model={"flavors":1}`}, issues: []mlflow.Issue{unavailable("mlflow_model")}, want: Stale},
		"listing unavailable, never had": {old: []string{`mlflow_model={"flavors":1}`}, now: []string{`mlflow_model={"flavors":2}`}, issues: []mlflow.Issue{unavailable("mlflow_model.artifacts")}, want: Changed},
		"chain became shorter":           {old: []string{`copied_from=[1,2]`}, now: []string{`copied_from=[1]`}, issues: []mlflow.Issue{denied("copied_from")}, want: Stale},
		"link of a chain lost its run":   {old: []string{`copied_from=[{"model_version":{},"run":{}}]`}, now: []string{`copied_from=[{"model_version":{}}]`}, issues: []mlflow.Issue{unavailable("copied_from")}, want: Stale},
		"deepest report, run denied":     {old: []string{"run", "tag=" + deepest}, now: []string{"tag=" + deepest}, issues: []mlflow.Issue{denied("run")}, want: Stale},
		"report became deepest":          {old: []string{"run=1"}, now: []string{"run=2", "tag=" + deepest}, issues: []mlflow.Issue{denied("experiment")}, want: Changed},
		"section became null":            {old: []string{`run={"a":1}`}, now: []string{`run=null`}, issues: []mlflow.Issue{denied("run")}, want: Stale},
		"nothing there yet":              {now: []string{"experiment"}, issues: []mlflow.Issue{unavailable("run")}, want: New},
		"MLmodel unavailable":            {old: []string{"mlflow_model"}, oldMod: model, issues: []mlflow.Issue{unavailable("mlflow_model")}, want: Stale, modelStays: true},
		"broken MLmodel now unavailable": {old: []string{"run"}, oldMod: []byte("]"), now: []string{"run=2"}, issues: []mlflow.Issue{unavailable("mlflow_model")}, want: Stale, modelStays: true},
		"MLmodel gone for good":          {old: []string{"mlflow_model"}, oldMod: model, issues: []mlflow.Issue{mlflow.NewIssue("mlflow_model", mlflow.ArtifactMissing, "x")}, want: Changed, lost: []string{"mlflow_model"}},
		"MLmodel became unreadable":      {old: []string{"mlflow_model"}, oldMod: model, nowMod: []byte("]"), issues: []mlflow.Issue{mlflow.NewIssue("mlflow_model", mlflow.MLmodelNotYAML, "x")}, want: Changed, lost: []string{"mlflow_model"}, modelStays: true},
		"MLmodel missing, nobody knows":  {old: []string{"run=1"}, oldMod: model, now: []string{"run=2"}, want: Changed, modelStays: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			old := Report{Place: "A/7", JSON: doc("1", c.old...), MLmodel: c.oldMod}
			if c.old != nil {
				batch(t, Options{Dir: dir}, old)
			}
			now := Report{Place: "A/7", JSON: doc("2", c.now...), MLmodel: c.nowMod, Issues: c.issues}
			w := batch(t, Options{Dir: dir}, now)[0]
			if w.Change != c.want {
				t.Errorf("%s, want %s", w.Change, c.want)
			}
			if d := cmp.Diff(c.lost, w.Lost); d != "" {
				t.Error(d)
			}
			want := now
			if c.want == Stale {
				want = old
			}
			if got := read(t, dir, "model_reports/A/7/report.json"); got != string(want.JSON) {
				t.Errorf("on disk is %s", got)
			}
			_, err := os.Stat(filepath.Join(dir, "model_reports/A/7/MLmodel"))
			if (err == nil) != c.modelStays {
				t.Errorf("MLmodel: %v", err)
			}
			checkIndex(t, dir, 1)
		})
	}
}

func TestStaleReportIsDescribedAsItIsOnDisk(t *testing.T) {
	dir := memory(t)
	old := Report{Place: "A/7", JSON: doc("1", "run", "model_version"), MLmodel: []byte("m"), Objects: []ObjectFile{{"runs/01", []byte("{}\n")}}}
	was := batch(t, Options{Dir: dir}, old)[0]
	want := Written{Change: Stale, Files: was.Files, Sections: was.Sections}

	w := batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("2"), MLmodel: []byte("m2"), Issues: []mlflow.Issue{unavailable("run")}})[0]
	if d := cmp.Diff(want, w); d != "" {
		t.Error(d)
	}
	tree := openTree(t, Options{Dir: dir})
	w, ok, err := tree.Keep("A/7")
	if d := cmp.Diff(want, w); d != "" || !ok || err != nil {
		t.Error(d, ok, err)
	}
	for _, place := range []string{"A/8", "B", "A"} {
		if w, ok, err := tree.Keep(place); ok || err != nil {
			t.Errorf("%s: %v %v", place, w, err)
		}
	}
}

func TestLossIsNamedUntilTheSectionComesBack(t *testing.T) {
	dir := memory(t)
	gone := []mlflow.Issue{mlflow.NewIssue("run", mlflow.RunNotFound, "01")}
	with := Report{Place: "A/7", JSON: doc("1", "run", "model_version")}
	without := Report{Place: "A/7", JSON: doc("2", "model_version"), Issues: gone}
	batch(t, Options{Dir: dir}, with)
	if w := batch(t, Options{Dir: dir}, without); !cmp.Equal(w[0].Lost, []string{"run"}) {
		t.Error(w)
	}
	index := read(t, dir, indexName)
	if w := batch(t, Options{Dir: dir}, without); w[0].Change != Unchanged || !cmp.Equal(w[0].Lost, []string{"run"}) {
		t.Error(w)
	}
	if read(t, dir, indexName) != index {
		t.Error("the index changed although nothing did")
	}
	if w := batch(t, Options{Dir: dir}, with); w[0].Lost != nil {
		t.Error(w)
	}
}

func TestLossIsNamedAlsoWhenTheBatchThatSawItWasKilled(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1", "run")})
	without := Report{Place: "A/7", JSON: doc("2")}
	killed := openTree(t, Options{Dir: dir})
	if _, err := killed.WriteReport(without); err != nil {
		t.Fatal(err)
	}
	killed.Close() // no Commit: report.json is without run, index.json says it has one
	if w := batch(t, Options{Dir: dir}, without); !cmp.Equal(w[0].Lost, []string{"run"}) {
		t.Error(w)
	}
}

func TestReportThatIsDamagedOnDiskIsReplaced(t *testing.T) {
	dir := memory(t)
	r := Report{Place: "A/7", JSON: doc("1", "model_version"), Issues: []mlflow.Issue{unavailable("run")}}
	batch(t, Options{Dir: dir}, r)
	name := filepath.Join(dir, "model_reports/A/7/report.json")
	for _, junk := range []string{"", "\x00\x00\x00", `{"run": {}, "mani`} {
		if err := os.WriteFile(name, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		if w := batch(t, Options{Dir: dir}, r); w[0].Change != Changed || !bytes.Equal(r.JSON, []byte(read(t, name))) {
			t.Errorf("%q: %v", junk, w)
		}
	}
}

func TestReportThatIsNotJSONIsRefused(t *testing.T) {
	tree := openTree(t, Options{Dir: memory(t)})
	for _, junk := range []string{"", "[]", "{", `{"a": 1, "a": 2}`} {
		if w, err := tree.WriteReport(Report{Place: "A/7", JSON: []byte(junk)}); err == nil {
			t.Errorf("%q: %v", junk, w)
		}
	}
	if _, ok, err := tree.Keep("A/7"); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestRowsOfTheLastBatchAreAtHand(t *testing.T) {
	dir := memory(t)
	if old, err := openTree(t, Options{Dir: filepath.Join(dir, "new")}).Previous(); old != nil || err != nil {
		t.Error(old, err)
	}
	batch(t, Options{Dir: dir + "/x"}, Report{Place: "A/7", JSON: doc("1", "run")})
	old, err := openTree(t, Options{Dir: dir + "/x"}).Previous()
	if err != nil {
		t.Fatal(err)
	}
	var rows []report.Row
	for row, err := range old.ByURI("h", "models:/A/7") {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if len(rows) != 1 || rows[0].Place != "A/7" || !cmp.Equal(rows[0].Sections, []string{"run"}) {
		t.Error(rows)
	}
}

func TestSectionsAreFoundInAnyLayout(t *testing.T) {
	want := []string{"run", "a\"b", "experiment"}
	o := mlflow.NewObject(
		mlflow.Member{Key: "manifest", Value: mlflow.NewObject()},
		mlflow.Member{Key: "run", Value: mlflow.NewObject(mlflow.Member{Key: "no\n  \"section\": ", Value: "\n  \"nor this\": "})},
		mlflow.Member{Key: "a\"b", Value: []any{"x"}},
		mlflow.Member{Key: "experiment", Value: "x"},
		mlflow.Member{Key: "issues", Value: []any{}})
	plain := o.Clone()
	plain.Delete("a\"b")
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"ours":        {mlflow.EncodeReport(plain), []string{"run", "experiment"}},
		"odd key":     {mlflow.EncodeReport(o), want},
		"one line":    {mlflow.JSON{}.Append(nil, o), want},
		"four blanks": {mlflow.JSON{Indent: 4}.Append(nil, o), want},
		"empty":       {[]byte("{}\n"), nil},
	} {
		if got, err := sectionsOf(c.data); err != nil || !cmp.Equal(c.want, got) {
			t.Errorf("%s: %q: %v", name, got, err)
		}
	}
}

func TestObjectsOfAStaleReportStayForTheWholeBatch(t *testing.T) {
	dir := memory(t)
	with := func(place, object string, issues ...mlflow.Issue) Report {
		sections := []string{"run"}
		if issues != nil {
			sections = nil
		}
		return Report{Place: place, JSON: doc("1", sections...), Issues: issues, Objects: []ObjectFile{{"registered_models/A", []byte(object)}}}
	}
	batch(t, Options{Dir: dir}, with("A/1", "{}\n"), with("A/2", "{}\n"))
	w := batch(t, Options{Dir: dir}, with("A/1", "[]\n", unavailable("run")), with("A/2", "[]\n"))
	if w[0].Change != Stale {
		t.Error(w[0].Change)
	}
	checkIndex(t, dir, 2)
	batch(t, Options{Dir: dir}, with("A/1", "[]\n"), with("A/2", "[]\n"))
	if got := read(t, dir, "mlflow_objects/registered_models/A.json"); got != "[]\n" {
		t.Errorf("the next batch leaves %s", got)
	}
	checkIndex(t, dir, 2)
}
