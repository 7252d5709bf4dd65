package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // the samples are made worse with it

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// A user is somebody who types commands in a folder of their own.
type user struct {
	testing.TB
	dir string
	env map[string]string
}

func newUser(t testing.TB) *user {
	t.Helper()
	return &user{t, t.TempDir(), map[string]string{
		"SOURCE_DATE_EPOCH": samplesTime, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0.001",
	}}
}

// A said is what a command printed, and its exit code.
type said struct {
	code     int
	out, err string
}

// types runs a command in this process. In what it prints, the user's folder
// is DIR and what takes time takes TIME.
func (u *user) types(args ...string) said { return u.typesUntil(u.Context(), args...) }

func (u *user) typesUntil(ctx context.Context, args ...string) said {
	u.Helper()
	var out, errs bytes.Buffer
	e := &env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: u.dir, Home: u.dir, Now: time.Now,
		Lookup: func(name string) (string, bool) { v, ok := u.env[name]; return v, ok },
	}
	code := execute(ctx, args, e)
	return said{code, u.plain(out.String()), u.plain(errs.String())}
}

func (u *user) plain(s string) string {
	s = strings.ReplaceAll(s, u.dir, "DIR")
	s = regexp.MustCompile(`(?m)^mlreport: \d+ reports?.* after [0-9ms]+(;.*)?\n`).ReplaceAllString(s, "") // of a slow machine
	return regexp.MustCompile(`(reports? in) [0-9.]+m?s`).ReplaceAllString(s, "$1 TIME")
}

// problems is what was said before the summary.
func (s said) problems() string {
	if i := regexp.MustCompile(`(?m)^\d+ reports? in TIME`).FindStringIndex(s.err); i != nil {
		return s.err[:i[0]]
	}
	return s.err
}

func (u *user) path(parts ...string) string {
	return filepath.Join(append([]string{u.dir}, parts...)...)
}

// writes makes a file, and its folders, and returns its path.
func (u *user) writes(name, text string) string {
	u.Helper()
	path := u.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		u.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		u.Fatal(err)
	}
	return path
}

func (u *user) reads(path string) string {
	u.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		u.Fatal(err)
	}
	return string(data)
}

// report reads a report of the tree `out`.
func (u *user) report(place string) *mlflow.Object {
	u.Helper()
	o, err := mlflow.DecodeJSON([]byte(u.reads(u.path("out", "model_reports", filepath.FromSlash(place), "report.json"))))
	if err != nil {
		u.Fatal(err)
	}
	return o
}

// rows reads the index of the tree `out`.
func (u *user) rows() []report.Row {
	u.Helper()
	data := u.reads(u.path("out", "index.json"))
	index, err := report.ReadIndex(strings.NewReader(data), int64(len(data)))
	if err != nil {
		u.Fatal(err)
	}
	var rows []report.Row
	for row, err := range index.All() {
		if err != nil {
			u.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// statuses are the rows in short.
func (u *user) statuses() []string {
	u.Helper()
	var list []string
	for _, r := range u.rows() {
		list = append(list, fmt.Sprintf("%s %s", r.Status, r.URI))
	}
	return list
}

// A sampleStore is a copy of the sample store, to make something worse in it.
type sampleStore struct{ *user }

const (
	wineRun   = "6923a82abf0a451ba2ae7b95d4bad9d4" // of models:/Sklearn_Wine/2
	wineModel = "m-64fa437d98ac468e9a80ab40eeded3e1"
	wineFiles = "mlflow-artifacts:/1/models/" + wineModel + "/artifacts"
)

func newSampleStore(t testing.TB) *sampleStore {
	t.Helper()
	u := newUser(t)
	if err := os.CopyFS(u.path("store"), os.DirFS("../../samples/store")); err != nil {
		t.Fatal(err)
	}
	return &sampleStore{u}
}

// sql changes the database.
func (s *sampleStore) sql(statement string, args ...any) {
	s.Helper()
	db, err := sql.Open("sqlite", s.path("store", "mlflow.db"))
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	result, err := db.Exec(statement, args...)
	if err != nil {
		s.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		s.Fatalf("%s changes nothing (%v)", statement, err)
	}
}

// mlmodel replaces the MLmodel file of models:/Sklearn_Wine/2.
func (s *sampleStore) mlmodel(data string) {
	s.Helper()
	s.writes("store/artifacts/1/models/"+wineModel+"/artifacts/MLmodel", data)
}

// manifest writes a manifest for the store.
func (s *sampleStore) manifest(entries ...string) string {
	return s.writes("m.yaml", "version: 1\nhosts:\n  samples: {tracking: sqlite:///store/mlflow.db, artifact-roots: {\"mlflow-artifacts:/\": store/artifacts}}\nmodels:\n  - "+
		strings.Join(entries, "\n  - ")+"\n")
}

// runs runs a batch of these entries into `out`.
func (s *sampleStore) runs(entries ...string) said {
	s.Helper()
	return s.types("run", s.manifest(entries...), "--out", s.path("out"))
}

// What can be wrong with the data itself: exit code, status and every word.
func TestWhatIsWrongWithDataIsSaidOfItsEntryOnly(t *testing.T) {
	bomb := "a: &a [" + strings.Repeat("x, ", 9) + "x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%[1]c [%s*%[3]c]\n", c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), c-1)
	}
	for _, c := range []struct {
		name   string
		spoil  func(*sampleStore)
		entry  string
		code   int
		status report.Status
		said   string
	}{
		{name: "no such model", entry: "models:/Sklearn_Whine/1", code: exitPartial, status: report.StatusFailed,
			said: "failed models:/Sklearn_Whine/1: model-not-found: there is no registered model \"Sklearn_Whine\"\n" +
				"  hint: did you mean \"Sklearn_Wine\"? the next ones are \"fraud_transfers\", \"income estimate\"; mlreport --tracking-uri sqlite:///DIR/store/mlflow.db lists all\n"},
		{name: "no such version", entry: "models:/Sklearn_Wine/99", code: exitPartial, status: report.StatusFailed,
			said: "failed models:/Sklearn_Wine/99: version-not-found: registered model \"Sklearn_Wine\" has no version 99\n" +
				"  hint: its highest version is 3: write models:/Sklearn_Wine/latest\n"},
		{name: "no such alias", entry: "models:/Sklearn_Wine@nobody", code: exitPartial, status: report.StatusFailed,
			said: "failed models:/Sklearn_Wine@nobody: alias-not-found: registered model \"Sklearn_Wine\" has no alias \"nobody\"\n" +
				"  hint: its aliases are challenger (version 3), champion (version 2): write models:/Sklearn_Wine@challenger\n"},
		{name: "no such stage", entry: "models:/fraud_card_payments/Staging", code: exitPartial, status: report.StatusFailed,
			said: "failed models:/fraud_card_payments/Staging: stage-not-found: registered model \"fraud_card_payments\" has no version in stage \"Staging\"\n" +
				"  hint: its stages are Archived, Production: write models:/fraud_card_payments/Archived\n"},
		{name: "no such run", entry: "runs:/0123456789abcdef0123456789abcdef/model", code: exitPartial, status: report.StatusFailed,
			said: "failed runs:/0123456789abcdef0123456789abcdef/model: run-not-found: there is no run 0123456789abcdef0123456789abcdef\n"},
		{name: "no such logged model", entry: "models:/m-0123456789abcdef", code: exitPartial, status: report.StatusFailed,
			said: "failed models:/m-0123456789abcdef: logged-model-not-found: there is no logged model m-0123456789abcdef\n"},
		{name: "nothing selected", entry: `select: {models: "nothing*", versions: all}`, code: exitPartial, status: report.StatusFailed,
			said: "failed select models: nothing*, versions: all: empty-selection: select models: nothing*, versions: all selects nothing\n" +
				"  hint: see how the names are spelled; if nothing is right, add allow-empty: true to the entry\n"},

		{name: "run deleted", spoil: func(s *sampleStore) { s.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", wineRun) },
			code: exitOK, status: report.StatusOK, said: ""},
		{name: "run gone for good", spoil: func(s *sampleStore) { s.sql("DELETE FROM runs WHERE run_uuid = ?", wineRun) },
			code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: run-not-found: there is no run " + wineRun + "\n"},
		{name: "experiment deleted", spoil: func(s *sampleStore) {
			s.sql("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE experiment_id = 1")
		},
			code: exitOK, status: report.StatusOK, said: ""},
		{name: "experiment gone for good", spoil: func(s *sampleStore) { s.sql("DELETE FROM experiments WHERE experiment_id = 1") },
			code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: experiment-not-found: there is no experiment 1\n"},

		{name: "MLmodel missing", spoil: func(s *sampleStore) {
			if err := os.Remove(s.path("store/artifacts/1/models/" + wineModel + "/artifacts/MLmodel")); err != nil {
				s.Fatal(err)
			}
		}, code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: artifact-missing: there is no file at " + wineFiles + "/MLmodel\n"},
		{name: "MLmodel empty", spoil: func(s *sampleStore) { s.mlmodel("") }, code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: mlmodel-empty: " + wineFiles + "/MLmodel is an empty file\n"},
		{name: "MLmodel not YAML", spoil: func(s *sampleStore) { s.mlmodel("flavors: [\n") }, code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: mlmodel-not-yaml: " + wineFiles + "/MLmodel is not YAML\n"},
		{name: "MLmodel not a mapping", spoil: func(s *sampleStore) { s.mlmodel("<html>Sign in</html>\n") }, code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: mlmodel-not-a-mapping: " + wineFiles + "/MLmodel is YAML, but not a mapping\n"},
		{name: "MLmodel of 50 MB", spoil: func(s *sampleStore) { s.mlmodel("x: " + strings.Repeat("y", 50<<20)) }, code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: mlmodel-too-large: " + wineFiles + "/MLmodel is too large for an MLmodel file\n" +
				"  reading " + wineFiles + "/MLmodel: it has more than 16777216 bytes\n"},
		{name: "MLmodel is a YAML bomb", spoil: func(s *sampleStore) { s.mlmodel(bomb) }, code: exitOK, status: report.StatusPartial,
			said: "partial models:/Sklearn_Wine/2: mlmodel-too-large: " + wineFiles + "/MLmodel is too large for an MLmodel file\n"},
		{name: "version without run", spoil: func(s *sampleStore) {
			s.sql("UPDATE model_versions SET run_id = NULL WHERE name = 'Sklearn_Wine' AND version = 2")
		}, code: exitOK, status: report.StatusOK, said: ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && strings.Contains(c.name, "50 MB") {
				t.Skip("slow under the race detector, and nothing in it is concurrent")
			}
			s := newSampleStore(t)
			if c.spoil != nil {
				c.spoil(s)
			}
			entry := c.entry
			if entry == "" {
				entry = "models:/Sklearn_Wine/2"
			}
			got := s.runs(entry, "models:/fraud_card_payments/3")
			if got.code != c.code || got.out != "" {
				t.Errorf("exit code %d, want %d; stdout %q", got.code, c.code, got.out)
			}
			if d := cmp.Diff(c.said, got.problems()); d != "" {
				t.Errorf("stderr (-want +got):\n%s", d)
			}
			rows := s.rows()
			if len(rows) != 2 || rows[0].Status != c.status || rows[1].Status != report.StatusOK {
				t.Errorf("%v", s.statuses())
			}
		})
	}
}

// issues are those of a section of a report, as sentences.
func issues(r *mlflow.Object) (list []string) {
	for i := range r.Objects("issues") {
		list = append(list, i.Text("level")+" "+i.Text("code")+": "+i.Text("message"))
	}
	return list
}

func TestADeletedRunIsStillShownAndNoted(t *testing.T) {
	s := newSampleStore(t)
	s.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", wineRun)
	if got := s.runs("models:/Sklearn_Wine/2"); got.code != exitOK {
		t.Fatal(got)
	}
	r := s.report("Sklearn_Wine/2")
	want := []string{"note run-deleted: the training run " + wineRun + " was deleted on the server; its parameters are still shown"}
	if d := cmp.Diff(want, issues(r)); d != "" || !r.Object("run").Object("data").Has("params") {
		t.Error(d, r.Object("run"))
	}
}

func TestADeletedExperimentIsStillShownAndNoted(t *testing.T) {
	s := newSampleStore(t)
	s.sql("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE experiment_id = 1")
	if got := s.runs("models:/Sklearn_Wine/2"); got.code != exitOK {
		t.Fatal(got)
	}
	r := s.report("Sklearn_Wine/2")
	want := []string{"note experiment-deleted: experiment 1 was deleted on the server; its tags are still shown"}
	if d := cmp.Diff(want, issues(r)); d != "" || r.Object("experiment").Text("name") != "wine_quality" {
		t.Error(d, r.Object("experiment"))
	}
}

func TestTheRunOfAVersionWithoutOneIsFoundThroughItsLoggedModel(t *testing.T) {
	s := newSampleStore(t)
	s.sql("UPDATE model_versions SET run_id = NULL WHERE name = 'Sklearn_Wine' AND version = 2")
	if got := s.runs("models:/Sklearn_Wine/2"); got.code != exitOK {
		t.Fatal(got)
	}
	r := s.report("Sklearn_Wine/2").Object("run")
	if r.Object("info").Text("run_id") != wineRun || r.Text("_found_by") != "logged_model" {
		t.Errorf("%s, found by %q", r.Object("info").Text("run_id"), r.Text("_found_by"))
	}
}

// A number that JSON has no number for stays the text that MLflow sends.
func TestMetricsThatAreNoNumbersStayTextInValidJSON(t *testing.T) {
	s := newSampleStore(t)
	s.sql("UPDATE latest_metrics SET is_nan = 1, value = 0 WHERE key = 'accuracy' AND run_uuid = ?", wineRun)
	s.sql("INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES ('high', 1.7976931348623157e308, 1, 0, 0, ?), ('low', -1.7976931348623157e308, 1, 0, 0, ?)", wineRun, wineRun)
	if got := s.runs("models:/Sklearn_Wine/2"); got.code != exitOK {
		t.Fatal(got)
	}
	found := map[string]any{}
	for m := range s.report("Sklearn_Wine/2").Object("run").Object("data").Objects("metrics") {
		if key := m.Text("key"); slices.Contains([]string{"accuracy", "high", "low"}, key) {
			found[key], _ = m.Get("value")
		}
	}
	want := map[string]any{"accuracy": "NaN", "high": mlflow.Number("1.7976931348623157e+308"), "low": mlflow.Number("-1.7976931348623157e+308")}
	if d := cmp.Diff(want, found); d != "" {
		t.Error(d)
	}
}

func TestATagOfFiveMegabytesOfNestedJSONIsShown(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector, and nothing in it is concurrent")
	}
	s := newSampleStore(t)
	list := "[" + strings.Repeat(`{"a":[{"b":{"c":1}}]},`, 250_000) + "0]"
	deep := strings.Repeat("[", 2_500_000) + strings.Repeat("]", 2_500_000)
	s.sql("INSERT INTO tags (key, value, run_uuid) VALUES ('wide', ?, ?), ('deep', ?, ?)", list, wineRun, deep, wineRun)
	got := s.runs("models:/Sklearn_Wine/2")
	if got.code != exitOK || got.problems() != "" {
		t.Fatal(got.code, got.problems())
	}
	tags := s.report("Sklearn_Wine/2").Object("run").Object("data").Object("tags")
	if n := len(tags.List("wide")); n != 250_001 {
		t.Errorf("the wide tag has %d items", n)
	}
	if tags.Text("deep") != deep {
		t.Error("the deep tag is not the text that it was")
	}
}

// The batch goes on, whatever became of other entries; what failed keeps what
// an earlier batch wrote of it.
func TestAFailureKeepsWhatWasWrittenBefore(t *testing.T) {
	s := newSampleStore(t)
	entries := []string{"models:/Sklearn_Wine@champion", "models:/Sklearn_Wine/1", `select: {models: "fraud_*", versions: latest}`}
	if got := s.runs(entries...); got.code != exitOK {
		t.Fatal(got)
	}
	before := readTree(t, s.path("out", "model_reports"))
	s.sql("DELETE FROM model_versions WHERE name = 'Sklearn_Wine' AND version = 2")
	got := s.runs(entries...)
	want := "gone models:/Sklearn_Wine/2: version-not-found: registered model \"Sklearn_Wine\" has no version 2\n" +
		"  hint: its highest version is 3: write models:/Sklearn_Wine/latest\n"
	if d := cmp.Diff(want, got.problems()); d != "" || got.code != exitPartial {
		t.Error(got.code, d)
	}
	if d := cmp.Diff(before, readTree(t, s.path("out", "model_reports"))); d != "" {
		t.Error(d)
	}
	if err := os.Rename(s.path("store"), s.path("away")); err != nil {
		t.Fatal(err)
	}
	got = s.runs(entries...)
	want = "stale models:/Sklearn_Wine/2: unavailable: models:/Sklearn_Wine@champion could not be read this time\n"
	if !strings.HasPrefix(got.problems(), want) || got.code != exitPartial {
		t.Error(got.code, got.problems())
	}
	if d := cmp.Diff(before, readTree(t, s.path("out", "model_reports"))); d != "" {
		t.Error(d)
	}
	wantRows := []string{"stale models:/Sklearn_Wine/2", "stale models:/Sklearn_Wine/1", "stale models:/fraud_card_payments/3", "stale models:/fraud_transfers/3"}
	if d := cmp.Diff(wantRows, s.statuses()); d != "" {
		t.Error(d)
	}
}
