package view_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

var update = flag.Bool("update", false, "write testdata anew")

func TestThePageOfAReportIsAsWrittenDown(t *testing.T) {
	for _, name := range []string{"credit_risk_production", "fraud_card_payments", "fraud_card_payments_2"} {
		path := "testdata/" + name + ".md"
		got := view.Markdown(sample(t, name))
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// hostile replaces every text of a document, and every key of its tags, by
// what tries to become markup.
func hostile(v any, text string) any {
	switch v := v.(type) {
	case string:
		return text
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = hostile(v[i], text)
		}
		return out
	case *mlflow.Object:
		out := &mlflow.Object{}
		for key, m := range v.All() {
			if key == "tags" || key == "flavors" {
				out.Append(key, mlflow.NewObject(mlflow.Member{Key: text, Value: mlflow.NewObject(mlflow.Member{Key: text, Value: text})}))
				continue
			}
			if o, ok := m.(*mlflow.Object); ok && (key == "metric_history" || key == "files") { // by names from the data
				named := &mlflow.Object{}
				for _, v := range o.All() {
					named.Set(text, hostile(v, text))
				}
				m = named
			}
			out.Append(key, hostile(m, text))
		}
		return out
	}
	return v
}

func TestNothingOfTheDataBecomesMarkup(t *testing.T) {
	doc, evidence := sample(t, "credit_risk_production"), sample(t, "fraud_card_payments")
	for _, section := range []string{"metric_history", "environment", "files"} {
		v, ok := evidence.Get(section)
		if !ok {
			t.Fatalf("the sample has no %s", section)
		}
		doc.Append(section, v)
	}
	harmless := view.Markdown(hostile(doc, "x").(*mlflow.Object))
	unescaped := regexp.MustCompile("(^|[^\\\\])[`*\\[\\]()!~$]|<script|<img|<a |://")
	for _, text := range []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))", "![x](http://evil/x.png)", "<javascript:alert(1)>",
		"a | b\n| c | d |\n|---|---|", "# heading\n## other", "```\ncode\n```", "`code`", "*bold* _it_ ~~s~~ $m$", "&lt;b&gt;", "http://evil www.evil.com me@evil.com",
		"line\n\n---\n\n<details>", "[x]: http://evil", "\\", "\\|", "\u202eevil\u2028", "--> <!--", "1. a\n- b\n> c", "]]>", "<a href=\"x\">", "\x00\x1b[31m", "\r# cr",
	} {
		got := view.Markdown(hostile(doc, text).(*mlflow.Object))
		if want := strings.Count(string(harmless), "\n"); strings.Count(string(got), "\n") != want {
			t.Errorf("%q makes %d lines of %d", text, strings.Count(string(got), "\n"), want)
		}
		columns := 0 // of the table that the line is in
		for line := range strings.Lines(string(got)) {
			line = strings.TrimSuffix(line, "\n")
			if strings.Contains(line, "](#") || line == "_None found_" {
				continue // ours
			}
			if m := unescaped.FindString(line); m != "" {
				t.Fatalf("%q is markup in %q: %q", text, line, m)
			}
			pipes := strings.Count(line, "|") - strings.Count(line, `\|`)
			if pipes > 0 && columns > 0 && pipes != columns {
				t.Fatalf("%q breaks a row: %q", text, line)
			}
			columns = pipes
			if rest := strings.ReplaceAll(line, "<br>", ""); strings.ContainsAny(rest, "<\x00\x1b\u202e\u2028\r") {
				t.Fatalf("%q leaves something in %q", text, line)
			}
		}
	}
}

func TestALinkIsOneOnlyWhenItCannotBeMoreThanThat(t *testing.T) {
	page := func(link string) string {
		doc := mlflow.NewObject(mlflow.Member{Key: "run", Value: mlflow.NewObject(mlflow.Member{Key: "info", Value: mlflow.NewObject(mlflow.Member{Key: "_web_ui_link", Value: link})})})
		return string(view.Markdown(doc))
	}
	if got := page("https://mlflow.bank.example/#/runs/0a%20b"); !strings.Contains(got, "| <https://mlflow.bank.example/#/runs/0a%20b> |") {
		t.Error(got)
	}
	for _, bad := range []string{"javascript:alert(1)", "https://x/<script>", "https://x y", "https://x|y", "https://x)[y](z", "HTTPS://x", "data:text/html,x"} {
		if got := page(bad); strings.Contains(got, "| <") {
			t.Errorf("%s became a link:\n%s", bad, got)
		}
	}
}

func TestThePageOfNearlyNothing(t *testing.T) {
	for _, text := range []string{`{}`, `{"mlflow_model": {}}`, `{"run": {}, "experiment": {}, "model_version": {}}`,
		`{"mlflow_model": {"flavors": {"x": null}, "signature": {"inputs": "text", "outputs": [1], "params": {}}}, "issues": [], "run": {"data": {"tags": {"": null}}}}`} {
		doc, err := mlflow.DecodeJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(view.Markdown(doc)); !strings.HasPrefix(got, "# MLflow Model: \n\n## Contents\n\n- [Model Overview](#model-overview)\n") || !strings.HasSuffix(got, "\n") {
			t.Errorf("%s:\n%s", text, got)
		}
	}
}
