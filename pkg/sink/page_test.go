package sink

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

func pageReport(timestamp, name string) Report {
	doc := `{"manifest": {"model_uri": "models:/A/7", "timestamp": "` + timestamp + `"}, "model_version": {"name": "` + name + `"}}`
	o, err := mlflow.DecodeStrict(doc)
	if err != nil {
		panic(err)
	}
	return Report{Place: "A/7", JSON: report.Encode(o.(*mlflow.Object)), Markdown: true}
}

func TestAPageIsWrittenAgainOnlyWhenItsReportChanged(t *testing.T) {
	dir := memory(t)
	o := Options{Dir: dir, Same: report.SameButTimestamp}
	const page = "model_reports/A/7/report.md"
	w := batch(t, o, pageReport("1", "A"))
	if w[0].Change != New || len(w[0].Files) != 2 || w[0].Files[1] != fileRef(page, []byte(read(t, dir, page))) {
		t.Errorf("%v", w)
	}
	was := age(t, dir, page)
	if w := batch(t, o, pageReport("2", "A")); w[0].Change != Unchanged || modTime(t, dir, page) != was {
		t.Errorf("%v: an equal page was written again", w)
	}
	if w := batch(t, o, pageReport("3", "B")); w[0].Change != Changed || !strings.Contains(read(t, dir, page), "| report\\_time | 3 |") {
		t.Errorf("%v\n%s", w, read(t, dir, page))
	}
}

func TestAPageComesAndGoesWithTheWishForIt(t *testing.T) {
	dir := memory(t)
	o := Options{Dir: dir, Same: report.SameButTimestamp}
	path := filepath.Join(dir, "model_reports/A/7/report.md")
	without := pageReport("1", "A")
	without.Markdown = false
	batch(t, o, without)
	preview := func(r Report) Change {
		t.Helper()
		p, err := OpenPreview(o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		w, err := p.WriteReport(r)
		if err != nil {
			t.Fatal(err)
		}
		return w.Change
	}
	if got := preview(pageReport("2", "A")); got != Changed {
		t.Errorf("a plan for a page says %s", got)
	}
	if w := batch(t, o, pageReport("2", "A")); w[0].Change != Changed || !strings.Contains(read(t, path), "| report\\_time | 1 |") {
		t.Errorf("%v: the page is not that of the report on disk\n%s", w, read(t, path))
	}

	failed := without
	failed.JSON = []byte("{\n  \"manifest\": {}\n}\n")
	failed.Issues = []mlflow.Issue{mlflow.NewIssue("model_version", mlflow.Unavailable, "x")}
	if w := batch(t, o, failed); w[0].Change != Stale || len(w[0].Files) != 2 {
		t.Errorf("%v: a failure does not leave the page alone", w)
	}

	if w := batch(t, o, without); w[0].Change != Changed || len(w[0].Files) != 1 {
		t.Errorf("%v", w)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a page that nobody keeps true was left behind")
	}
}
