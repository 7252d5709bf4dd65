package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The tests in this file are named after what goes right where the seed tool
// goes wrong; D1 and so on are the numbers of its defects, which
// docs/defects.md lists.

// prints runs a command that must end well and print one object.
func (u *user) prints(args ...string) *mlflow.Object {
	u.Helper()
	got := u.types(args...)
	o, err := mlflow.DecodeJSON([]byte(got.out))
	if got.code != exitOK || got.err != "" || err != nil {
		u.Errorf("%q: exit code %d, %v, stderr %q", args, got.code, err, got.err)
		return &mlflow.Object{}
	}
	return o
}

func (s *sampleStore) store() string { return "--tracking-uri=" + s.path("store", "mlflow.db") }

func TestEveryKindOfModelURIIsShown(t *testing.T) { // D3
	s := newSampleStore(t)
	want := s.prints("get-mlflow-model-wide", s.store(), "--model-uri", "models:/Sklearn_Wine/2")
	for _, uri := range []string{"models:/Sklearn_Wine@champion", "models:/Sklearn_Wine/Production", "models:/Sklearn_Wine/production"} {
		if d := cmp.Diff(asText(want), asText(s.prints("get-mlflow-model-wide", s.store(), "--model-uri", uri))); d != "" {
			t.Errorf("%s: %s", uri, d)
		}
	}
	for uri, version := range map[string]string{"models:/Sklearn_Wine/latest": "3", "models:/Sklearn_Wine/LATEST": "3", "models:/Sklearn_Wine/staging": "3", "models:/income estimate/1": "1"} {
		if v := s.prints("get-mlflow-model-wide", s.store(), "--model-uri", uri).Object("model_version").Text("version"); v != version {
			t.Errorf("%s is version %q", uri, v)
		}
	}
	for _, uri := range []string{"models:/" + wineModel, "runs:/" + wineRun + "/model", wineFiles} {
		o := s.prints("get-mlflow-model-wide", s.store(), "--model-uri", uri)
		if o.Object("run").Object("info").Text("run_id") != wineRun || !o.Has("experiment") || !o.Has("mlflow_model") || o.Has("model_version") {
			t.Errorf("%s: %v", uri, asText(o))
		}
	}
}

func asText(o *mlflow.Object) string { return string(mlflow.JSON{Indent: 1}.Append(nil, o)) }

// showCommands are the commands that show one object, each with what it needs.
func showCommands() [][]string {
	return [][]string{
		{"get-mlflow-model", "--model-uri", "models:/Sklearn_Wine/2"},
		{"get-mlflow-model", "--model-uri", "models:/Sklearn_Wine@champion", "--get-run"},
		{"get-mlflow-model-wide", "--model-uri", "models:/Sklearn_Wine/2"},
		{"get-run", "--run-id", wineRun},
		{"get-experiment", "--experiment-id-or-name", "1", "--get-runs"},
		{"get-experiment", "--experiment-id-or-name", "wine_quality"},
		{"get-model-version", "--registered-model", "Sklearn_Wine", "--version", "2", "--get-run"},
		{"get-registered-model", "--registered-model", "Sklearn_Wine", "--get-run"},
		{"get-logged-model", "--model-id", wineModel},
	}
}

// Each command ends well with an output file and without, raw and enriched,
// whatever the file is called, and prints what it writes.
func TestEveryCallEndsWellWithAndWithoutAnOutputFile(t *testing.T) { // D4, D27, D28
	if testing.Short() {
		t.Skip("slow under the race detector, and nothing in it is concurrent")
	}
	s := newSampleStore(t)
	for i, args := range showCommands() {
		for j, options := range [][]string{nil, {"--get-raw"}, {"--artifact-max-level", "0"}, {"--artifact-max-level", "2"}, {"--compat", "seed"}} {
			if slices.Contains(options, "--artifact-max-level") && (strings.HasPrefix(args[0], "get-mlflow-model") || args[0] == "get-logged-model") {
				continue
			}
			args := slices.Concat(args, options, []string{s.store()})
			printed := s.prints(args...)
			for _, name := range []string{"x.json", "x.txt", "x"} {
				file := s.path("files", fmt.Sprint(i, j), "deep", name)
				s.prints(append(args, "--output-file", file)...)
				if o, err := mlflow.DecodeJSON([]byte(s.plain(s.reads(file)))); err != nil || args[0] != "get-mlflow-model-wide" && asText(o) != asText(printed) {
					t.Errorf("%q: the file %s differs from what is printed (%v)", args, name, err)
				}
			}
		}
	}
}

// Text that is no JSON object or array stays the text that it was.
func TestTextThatLooksLikeANumberStaysText(t *testing.T) { // D5
	s := newSampleStore(t)
	values := []string{
		"1", "372820018384032", "9223372036854775807", "8217e29", "1234567890123456789e123456789012", "41798523", "12345e67", "1234e567",
		"3.10", "14.10", "1.10", "1.50", "1e5", "0.1234567890123456789012", "1e400", "NaN", "Infinity", "-Infinity", "-0", "null", "true", "false", "True",
		"007", "00012345678901234567890", `"hello"`, " 5 ", "5\n", `{"a":1,"a":2}`, "2023", "1001", "999", "1,000",
	}
	for i, v := range values {
		s.sql("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", fmt.Sprint("tag", i), v, wineRun)
		s.sql("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", fmt.Sprint("param", i), v, wineRun)
	}
	s.sql("UPDATE runs SET name = '2023' WHERE run_uuid = ?", wineRun)
	s.sql("UPDATE experiments SET name = '1' WHERE experiment_id = 3")
	s.sql("UPDATE experiments SET name = '42' WHERE experiment_id = 1")
	for _, compat := range []string{"none", "seed"} {
		o := s.prints("get-run", "--run-id", wineRun, s.store(), "--compat", compat).Object("run")
		params := map[string]any{}
		for p := range o.Object("data").Objects("params") {
			params[p.Text("key")], _ = p.Get("value")
		}
		for i, want := range values {
			tag, _ := o.Object("data").Object("tags").Get(fmt.Sprint("tag", i))
			param := params[fmt.Sprint("param", i)]
			if compat == "seed" && (tag != want || param != want) {
				continue // rule E7 of the seed tool is its format
			}
			if tag != want || param != want {
				t.Errorf("%q became %#v as a tag, %#v as a param", want, tag, param)
			}
		}
		if info := o.Object("info"); compat == "none" && (info.Text("run_name") != "2023" || info.Text("_experiment_name") != "42") {
			t.Errorf("%v", asText(info))
		}
	}
}

// On MLflow before 3.17 a missing file is an error 500, which a client that
// tries again waits four minutes for.
func TestAMissingFileOfAnOldServerIsNotTriedAgain(t *testing.T) { // D15
	world := mlflowtest.SmallFakeWorld()
	clear(world.Files)
	fake := mlflowtest.StartFake(t, world, mlflowtest.FakeOptions{Version: "2.22.1"})
	u := newUser(t)
	u.env = map[string]string{} // all retries
	got := u.types("get-mlflow-model-wide", "--model-uri", "models:/café ☃ #1 100% a+b&c/1", "--tracking-uri", fake.URL)
	if got.code != exitOK || !strings.Contains(got.out, `"code": "artifact-missing"`) {
		t.Error(got)
	}
	if n := fake.Count("mlflow-artifacts/artifacts"); n > 3 {
		t.Errorf("%d requests about one file", n)
	}
}

func TestCredentialsAreSentAsMLflowsClientSendsThem(t *testing.T) { // D17
	for _, c := range []struct {
		name  string
		env   map[string]string
		files map[string]string
		user  string
		want  string
	}{
		{name: "user name and password", env: map[string]string{"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "pw"}, want: "Basic YW5uOnB3"},
		{name: "token", env: map[string]string{"MLFLOW_TRACKING_TOKEN": "t0ken"}, want: "Bearer t0ken"},
		{name: "user info", user: "ann:pw@", want: "Basic YW5uOnB3"},
		{name: "~/.mlflow/credentials", files: map[string]string{".mlflow/credentials": "[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password = pw\n"}, want: "Basic YW5uOnB3"},
		{name: ".netrc", files: map[string]string{".netrc": "machine 127.0.0.1 login ann password pw\n"}, want: "Basic YW5uOnB3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
			u := newUser(t)
			for name, text := range c.files {
				u.writes(name, text)
			}
			for name, value := range c.env {
				u.env[name] = value
			}
			u.env["MLFLOW_TRACKING_URI"] = strings.Replace(fake.URL, "://", "://"+c.user, 1)
			u.prints("get-mlflow-model-wide", "--model-uri", "models:/wine/2")
			manifest := u.writes("m.yaml", "version: 1\nmodels: [models:/wine/2]\n")
			if got := u.types("run", manifest, "--out", u.path("out")); got.code != exitOK {
				t.Error(got)
			}
			for _, r := range fake.Requests() {
				if got := r.Header.Get("Authorization"); got != c.want {
					t.Fatalf("%s is sent with %q, want %q", r, got, c.want)
				}
			}
		})
	}
}

// Credentials of the environment are for its server, and for no other that a
// manifest names.
func TestCredentialsGoToNoOtherServer(t *testing.T) {
	own := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	other := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	u := newUser(t)
	u.env["MLFLOW_TRACKING_URI"], u.env["MLFLOW_TRACKING_TOKEN"] = own.URL, "t0ken"
	manifest := u.writes("m.yaml", "version: 1\nhosts: {own: {tracking: \""+own.URL+"/\"}, other: {tracking: \""+other.URL+"\"}}\n"+
		"models: [{uri: models:/wine/2, host: own}, {uri: models:/wine/1, host: other}]\n")
	if got := u.types("run", manifest, "--out", u.path("out")); got.code != exitOK {
		t.Fatal(got)
	}
	for fake, want := range map[*mlflowtest.Fake]string{own: "Bearer t0ken", other: ""} {
		for _, r := range fake.Requests() {
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("%s is sent with %q, want %q", r, got, want)
			}
		}
	}
}

func TestNoGETHasABody(t *testing.T) { // D18
	var mu sync.Mutex
	var wrong []string
	fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); r.Method == http.MethodGet && (err != nil || len(body) > 0 || r.ContentLength > 0) {
			mu.Lock()
			wrong = append(wrong, r.URL.String())
			mu.Unlock()
		}
		fake.ServeHTTP(w, r)
	}))
	defer server.Close()
	u := newUser(t)
	manifest := u.writes("m.yaml", "version: 1\nhosts: {prod: {tracking: \""+server.URL+"\"}}\nmodels: [{select: {models: \"wine\", versions: all}}]\n")
	if got := u.types("run", manifest, "--out", u.path("out")); got.code != exitOK {
		t.Error(got)
	}
	u.prints("get-experiment", "--experiment-id-or-name", "1", "--get-runs", "--tracking-uri", server.URL)
	u.prints("get-registered-model", "--registered-model", "wine", "--get-run", "--tracking-uri", server.URL)
	if len(wrong) > 0 {
		t.Error(wrong)
	}
}

// A model whose files lie in a store that is not served costs its MLmodel only.
func TestAModelInABucketIsShownWithoutItsFiles(t *testing.T) { // D19
	s := newSampleStore(t)
	const bucket = "s3://models/wine"
	s.sql("UPDATE model_versions SET source = ?, storage_location = ? WHERE name = 'Sklearn_Wine' AND version = 1", bucket, bucket)
	v := s.prints("get-model-version", "--registered-model", "Sklearn_Wine", "--version", "1", "--get-run", s.store())
	if v.Object("model_version").Text("source") != bucket || !v.Has("run") {
		t.Error(asText(v))
	}
	wide := s.prints("get-mlflow-model-wide", "--model-uri", "models:/Sklearn_Wine/1", s.store())
	want := []string{"gap artifact-unsupported: " + bucket + "/MLmodel lies in an artifact store that this entry's host does not serve"}
	if d := cmp.Diff(want, issues(wide)); d != "" || !wide.Has("run") || !wide.Has("experiment") {
		t.Error(d)
	}
}

func TestRunsOfARegisteredModelAreShownOrMissed(t *testing.T) { // D23
	s := newSampleStore(t)
	o := s.prints("get-registered-model", "--registered-model", "Sklearn_Wine", "--get-run", s.store())
	if n := o.Object("version_runs").Len(); n != 3 || len(issues(o)) != 0 {
		t.Errorf("%d runs, %v", n, issues(o))
	}
	s.sql("DELETE FROM runs WHERE run_uuid = ?", wineRun)
	o = s.prints("get-registered-model", "--registered-model", "Sklearn_Wine", "--get-run", s.store())
	want := []string{"gap run-not-found: there is no run " + wineRun}
	if d := cmp.Diff(want, issues(o)); d != "" || o.Object("version_runs").Len() != 2 {
		t.Error(d, asText(o.Object("version_runs")))
	}
}

// A search that fails is an error, never an empty list.
func TestASearchThatFailsIsNoEmptyList(t *testing.T) { // D24
	s := newServerUser(t, mlflowtest.FakeOptions{})
	s.fake.Fail(mlflowtest.Fault{Endpoint: "runs/search", Status: 500})
	got := s.typesAndHides("get-experiment", "--experiment-id-or-name", "1", "--get-runs", "--tracking-uri", s.url)
	want := "mlreport: error: listing the runs of experiment 1: URL (address from --tracking-uri, no credentials) answered 500 INTERNAL_ERROR to runs/search: scripted by the test\n" +
		"mlreport: hint: see the server's log; what was not read now is read by the next run\n"
	if d := cmp.Diff(want, got.err); d != "" || got.code != exitFatal || got.out != "" {
		t.Errorf("exit code %d, stdout %q (-want +got):\n%s", got.code, got.out, d)
	}
}

// No object is asked for twice: the seed tool needs 24 requests for an
// experiment with 3 runs, and 15 to 17 for a small wide report.
func TestNothingIsAskedForTwice(t *testing.T) { // D26
	for _, version := range []string{"2.22.1", "3.17.2"} {
		fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{Version: version})
		u := newUser(t)
		for _, c := range []struct {
			most int
			args []string
		}{
			{2, []string{"get-run", "--run-id", mlflowtest.FakeID(0)}}, // and its experiment, for _experiment_name
			{4, []string{"get-experiment", "--experiment-id-or-name", "1", "--get-runs"}},
			{3, []string{"get-model-version", "--registered-model", "wine", "--version", "2"}},
			{8, []string{"get-mlflow-model-wide", "--model-uri", "models:/café ☃ #1 100% a+b&c/1"}},
		} {
			fake.Forget()
			u.prints(append(c.args, "--tracking-uri", fake.URL)...)
			seen := map[string]int{}
			for _, r := range fake.Requests() {
				if seen[r.String()+r.Path]++; seen[r.String()+r.Path] > 1 {
					t.Errorf("%s, %s: %s twice", version, c.args[0], r)
				}
			}
			if n := len(fake.Requests()); n > c.most {
				t.Errorf("%s, %s: %d requests, want at most %d: %v", version, c.args[0], n, c.most, fake.Counts())
			}
		}
	}
}

func TestEveryCommandWorksOnServersOfMLflow1And2(t *testing.T) { // D29
	for _, version := range []string{"1.30.1", "2.9.2", "2.22.1", "3.4.0"} {
		t.Run(version, func(t *testing.T) {
			fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{Version: version})
			u := newUser(t)
			u.env["MLFLOW_TRACKING_URI"] = fake.URL
			const uri = "models:/café ☃ #1 100% a+b&c/1" // no logged model is needed for it
			for _, args := range [][]string{
				{"get-mlflow-model", "--model-uri", uri, "--get-run"},
				{"get-mlflow-model-wide", "--model-uri", uri},
				{"get-run", "--run-id", mlflowtest.FakeID(0), "--artifact-max-level", "2"},
				{"get-experiment", "--experiment-id-or-name", "1", "--get-runs"},
				{"get-experiment", "--experiment-id-or-name", "wine"},
				{"get-model-version", "--registered-model", "wine", "--version", "2", "--get-run"},
				{"get-registered-model", "--registered-model", "wine", "--get-run"},
			} {
				u.prints(args...)
				u.prints(append(args, "--get-raw")...)
			}
			manifest := u.writes("m.yaml", "version: 1\nmodels: [{select: {models: \"c*\", versions: all}}]\n")
			if got := u.types("run", manifest, "--out", u.path("out")); got.code != exitOK {
				t.Error(got)
			}
		})
	}
}

func TestAnExperimentIDWinsOverAnEqualName(t *testing.T) { // D34
	world := mlflowtest.SmallFakeWorld()
	world.Experiments = append(world.Experiments, mlflowtest.FakeExperiment{ID: "7", Name: "1"}, mlflowtest.FakeExperiment{ID: "8", Name: "cafe"}, mlflowtest.FakeExperiment{ID: "9", Name: "1234"})
	for _, version := range []string{"2.22.1", "3.4.0", "3.17.2"} {
		fake := mlflowtest.StartFake(t, world, mlflowtest.FakeOptions{Version: version})
		u := newUser(t)
		for asked, want := range map[string]string{"1": "1", "7": "7", "cafe": "8", "1234": "9", "wine": "1"} {
			o := u.prints("get-experiment", "--experiment-id-or-name", asked, "--tracking-uri", fake.URL)
			if id := o.Object("experiment").Text("experiment_id"); id != want {
				t.Errorf("%s: %q is experiment %s, want %s", version, asked, id, want)
			}
		}
	}
}

// Each of the 35 defects has its line in docs/defects.md, and the tests that
// it names exist.
func TestEachDefectNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../docs/defects.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := allTests(t)
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (D\d+) \|(.*)\|(.*)\|$`).FindAllStringSubmatch(string(text), -1) {
		if found[m[1]] {
			t.Errorf("%s has two lines", m[1])
		}
		found[m[1]] = true
		names := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(m[3], -1)
		if len(names) == 0 && !strings.Contains(m[2], "no such command") && !strings.Contains(m[2], "not served yet") {
			t.Errorf("%s names no test", m[1])
		}
		for _, n := range names {
			if !tests[n[1]] {
				t.Errorf("%s names %s, which does not exist", m[1], n[1])
			}
		}
	}
	for i := range 35 {
		if id := fmt.Sprint("D", i+1); !found[id] {
			t.Errorf("%s has no line", id)
		}
	}
}

// allTests are the names of the module's tests.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := fs.WalkDir(os.DirFS("../.."), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := fs.ReadFile(os.DirFS("../.."), path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(code, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
