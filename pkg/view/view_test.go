package view_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

const sampleReports = "../../samples/open_source/model_reports"

func sample(t *testing.T, name string) *mlflow.Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sampleReports, name, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := mlflow.DecodeReport(data)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*mlflow.Object)
}

func TestOneScreenOfAModel(t *testing.T) {
	got := view.Compare([]*mlflow.Object{sample(t, "credit_risk_production")}).Text(view.TextOptions{Columns: 80})
	for _, want := range []string{
		"models:/credit_risk_production/2 @live\n",
		"\nparams\n  C                           0.25\n",
		"  auc                         0.7170332480818414\n",
		"  created by                  a.keller\n",
		"  copied from                 models:/credit_risk_scorecard/3\n",
		"  training applications       digest ef748fa6, 400 rows, https://data.example.c…",
		"  commit                      c40de1b27f9a4e6c8d0b2f4a6c8e0d2b4f6a8c0e\n",
		"  inputs                      income double, loan_amount double, months_employe…",
		"  sklearn                     1.9.1\n",
		"  model.pkl                   1.4 kB\n",
		"  ticket                      00043377\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	for line := range strings.Lines(got) {
		if view.Width(strings.TrimSuffix(line, "\n")) > 80 && !strings.HasPrefix(line, "  link") {
			t.Errorf("too wide: %q", line)
		}
	}
}

func report(t *testing.T, version, alias, c, data string) *mlflow.Object {
	t.Helper()
	text := `{"manifest": {"model_uri": "models:/m/` + version + `"}, "run": {"data": {"params": [{"key": "C", "value": "` + c + `"}, {"key": "same", "value": "1"}]},
		"inputs": {"dataset_inputs": [{"dataset": {"name": "d", "digest": "` + data + `"}}]}}, "model_version": {"name": "m", "version": "` + version + `", "aliases": [` + alias + `]}}`
	o, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestVersionsSideBySideDifferencesFirst(t *testing.T) {
	s := view.Compare([]*mlflow.Object{report(t, "1", "", "0.5", "aa"), report(t, "2", `"champion"`, "0.7", "aa")})
	want := "        1    2 @champion\nparams\n  C     0.5  0.7\n\n2 facts are equal in all: --all-rows\n"
	if d := cmp.Diff(want, s.SideBySide(view.TextOptions{Columns: 80})); d != "" {
		t.Error(d)
	}
	all := s.SideBySide(view.TextOptions{Columns: 80, All: true})
	if before, after, ok := strings.Cut(all, "equal in all:"); !ok || !strings.Contains(before, "  C ") || !strings.Contains(after, "  same") || !strings.Contains(after, "digest aa") {
		t.Error(all)
	}
}

func TestASheetAsDataKeepsWhatIsMissingApart(t *testing.T) {
	a, b := report(t, "1", "", "", "aa"), report(t, "2", "", "x", "aa")
	b.Object("run").Object("data").Delete("params")
	s := view.Compare([]*mlflow.Object{a, b})
	got := string(mlflow.JSON{}.Append(nil, s.JSON().Object("params")))
	if want := `{"C":["",null],"same":["1",null]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTextOfDataStaysText(t *testing.T) {
	table := view.Table{Columns: []string{"NAME", "N"}, Rows: [][]string{{"=cmd|' /C calc'!A0", "-0.5"}, {"a|b <script>\x1b[2J\nx", "1"}, {"日本語", "2"}}}
	csv := string(table.CSV())
	if !strings.HasPrefix(csv, "\uFEFFNAME,N\n'=cmd") || !strings.Contains(csv, ",-0.5\n") {
		t.Errorf("%q", csv)
	}
	md := table.Markdown()
	if !strings.Contains(md, `a\|b &lt;script\>`) || strings.Contains(md, "\x1b") || strings.Count(md, "\n") != 5 {
		t.Errorf("%q", md)
	}
	text := table.Text(0)
	if strings.Contains(text, "\x1b") || strings.Count(text, "\n") != 4 {
		t.Errorf("%q", text)
	}
	lines := strings.Split(text, "\n")
	if at := func(l string) int { return view.Width(l[:len(l)-1]) }; at(lines[2]) != at(lines[3]) {
		t.Errorf("wide letters break the columns:\n%s", text)
	}
}

func TestTablesFitTheirTerminal(t *testing.T) {
	table := view.Table{Columns: []string{"A", "B"}, Rows: [][]string{{strings.Repeat("x", 200), "short"}, {"y", strings.Repeat("z", 50)}}}
	for line := range strings.Lines(table.Text(60)) {
		if view.Width(strings.TrimSuffix(line, "\n")) > 60 {
			t.Errorf("too wide: %q", line)
		}
	}
	if wide := table.Text(0); strings.Contains(wide, "…") {
		t.Error("text is cut though there is no limit")
	}
}

func TestAnEmptyReportIsShown(t *testing.T) {
	s := view.Compare([]*mlflow.Object{mlflow.NewObject()})
	if got := s.Text(view.TextOptions{}); got != "\n" {
		t.Errorf("%q", got)
	}
	_ = s.Markdown()
	_ = s.Table()
}

func TestRequirementsSideBySide(t *testing.T) {
	with := func(version, environment string) *mlflow.Object {
		o, err := mlflow.DecodeJSON([]byte(`{"manifest": {"model_uri": "models:/m/` + version + `"}, "model_version": {"version": "` + version + `"}, "environment": ` + environment + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	s := view.Compare([]*mlflow.Object{
		with("1", `{"python_version": "3.10.1", "requirements": [{"name": "Scikit_Learn", "specifier": "==1.3", "text": "Scikit_Learn==1.3"}, {"name": "numpy", "text": "numpy"}, {"text": "-r more.txt"}]}`),
		with("2", `{"python_version": "3.11.7", "requirements": [{"name": "scikit-learn", "specifier": "==1.5", "extras": "x", "marker": "python_version > '3'", "text": "…"}, {"name": "numpy", "text": "numpy"}],
			"conda_packages": [{"name": "python", "specifier": "=3.11", "text": "python=3.11"}]}`),
	})
	want := `                 1            2
libraries
  python         3.10.1       3.11.7
requirements
  conda: python  -            =3.11
  other          -r more.txt  -
  scikit-learn   ==1.3        [x] ==1.5; python_version > '3'

1 fact is equal in all: --all-rows
`
	if d := cmp.Diff(want, s.SideBySide(view.TextOptions{})); d != "" {
		t.Error(d)
	}
}

// Names of people's own language and pictures stand in their columns; what
// turns a line around or hides in it is shown as something strange.
func TestNamesFromEverywhereKeepTheColumns(t *testing.T) {
	names := map[string]int{ // with how many columns of a terminal they take
		"信用风险": 8, "ﾃｽﾄ": 3, "🦊🐍": 4, "e\u0301te\u0301": 3, "한국어": 6, "\u1112\u1161\u11ab": 2, "שלום": 4, "ＡＢ": 4,
		"\u202egpj.exe": 8, "a\u200bb": 3, "\u2066x\u2069": 3, "\u200fx": 2, "\x1b[31mred\x9b": 9, "\xff\xfe": 2, "tag\U000e0041": 4,
	}
	for name, want := range names {
		table := view.Table{Columns: []string{"MODEL", "N"}, Rows: [][]string{{name, "|"}, {"0123456789", "|"}}}
		lines := strings.Split(table.Text(0), "\n")
		cell, _, _ := strings.Cut(lines[1], "|")
		shown := strings.TrimRight(cell, " ")
		if blanks := len(cell) - len(shown); blanks+want != len("0123456789  ") {
			t.Errorf("%q: %d blanks behind it, of %d columns", name, blanks, want)
		}
		for _, line := range append(lines, strings.Split(table.Text(14), "\n")...) {
			if strings.ContainsFunc(line, func(r rune) bool {
				return r < ' ' || strings.ContainsRune("\u009b\u202e\u200b\u2066\u2069\u200f\U000e0041", r)
			}) {
				t.Errorf("%q goes to a terminal", line)
			}
		}
	}
}
