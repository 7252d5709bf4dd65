package main

import (
	gocmp "cmp"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// A serverUser is a user with two hosts: a server that a test makes worse, and
// the sample store, which is well.
type serverUser struct {
	*sampleStore
	url  string
	fake *mlflowtest.Fake // when that is the server
}

func newServerUser(t testing.TB, o mlflowtest.FakeOptions) *serverUser {
	t.Helper()
	f := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), o)
	return &serverUser{newSampleStore(t), f.URL, f}
}

// runs runs a batch of these entries of the server, and one of the store, into
// `out`. In what it says the server is URL.
func (s *serverUser) runs(entries ...string) said {
	s.Helper()
	return s.typesAndHides("run", s.manifest(entries...), "--out", s.path("out"))
}

func (s *serverUser) manifest(entries ...string) string {
	return s.writes("m.yaml", "version: 1\nhosts:\n  prod: {tracking: \""+s.url+"\"}\n"+
		"  samples: {tracking: sqlite:///store/mlflow.db, artifact-roots: {\"mlflow-artifacts:/\": store/artifacts}}\n"+
		"defaults: {host: prod}\nmodels:\n  - "+strings.Join(entries, "\n  - ")+"\n  - {uri: models:/Sklearn_Wine/2, host: samples}\n")
}

func (s *serverUser) typesAndHides(args ...string) said {
	s.Helper()
	got := s.types(args...)
	got.err = strings.ReplaceAll(got.err, s.url, "URL")
	return got
}

const wineSelect = `select: {models: "w*", versions: all}`

// What a server can do wrong: each fault at every request, met by a selection
// and by a command that shows one object. The store beside it is read all the
// same, and a selection that could not be made is never an empty one.
func TestWhatAServerDoesWrongIsSaidWithWhereAndWhatToDo(t *testing.T) {
	const (
		login = "a login page or another program answers there: open URL in a browser to see it; programs sign in with MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
		proxy = "does a proxy between here and the server cut answers?"
		log   = "see the server's log; what was not read now is read by the next run"
		who   = "URL (address from FROM, no credentials) "
	)
	for _, c := range []struct {
		name       string
		fault      mlflowtest.Fault
		said, hint string // ASKED is what was asked
		denied     bool
		host       string // its status in the index
	}{
		{name: "a login page", fault: mlflowtest.Fault{LoginPage: true}, said: who + "answered ASKED with a page instead of data: Sign in.", hint: login},
		{name: "an answer cut short", fault: mlflowtest.Fault{CutShort: true}, said: who + "cut its answer to ASKED short: unexpected EOF", hint: proxy},
		{name: "401", fault: mlflowtest.Fault{Status: 401}, said: who + "answered 401 UNAUTHENTICATED to ASKED: scripted by the test", denied: true,
			hint: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest"},
		{name: "403", fault: mlflowtest.Fault{Status: 403}, said: who + "answered 403 PERMISSION_DENIED to ASKED: scripted by the test", denied: true,
			hint: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest; with a login that is refused, ask the server's administrator for the permission READ on the registered model"},
		{name: "429 with Retry-After", fault: mlflowtest.Fault{Status: 429, RetryAfter: 1}, said: who + "answered 429 REQUEST_LIMIT_EXCEEDED to ASKED: scripted by the test",
			hint: "ask less at once: `limits: {in-flight: 2, requests-per-second: 5}` of the host in the manifest"},
		{name: "500", fault: mlflowtest.Fault{Status: 500}, said: who + "answered 500 INTERNAL_ERROR to ASKED: scripted by the test", hint: log},
		{name: "503", fault: mlflowtest.Fault{Status: 503}, said: who + "answered 503 TEMPORARILY_UNAVAILABLE to ASKED: scripted by the test", hint: log, host: "unreachable"},
		{name: "no answer", fault: mlflowtest.Fault{NoAnswer: true}, said: who + "does not answer: it closed the connection", host: "unreachable",
			hint: "start the server, or correct the address; curl URL/health shows what answers there"},
		{name: "broken JSON", fault: mlflowtest.Fault{Body: `{"a": `}, said: who + "answered ASKED with broken JSON",
			hint: "does a proxy between here and the server cut or change answers?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServerUser(t, mlflowtest.FakeOptions{})
			s.fake.Fail(c.fault)
			said := func(from, asked string) string {
				return strings.NewReplacer("FROM", from, "ASKED", asked).Replace(c.said)
			}
			issue := "unavailable: select models: w*, versions: all could not be read this time"
			if c.denied {
				issue = "denied: the credentials may not read select models: w*, versions: all"
			}
			got := s.runs(wineSelect)
			want := "failed select models: w*, versions: all: " + issue + "\n" +
				"  listing registered models: " + said(`host "prod" of the manifest`, "registered-models/search") + "\n  hint: " + c.hint + "\n"
			if d := cmp.Diff(want, got.problems()); d != "" || got.code != exitPartial || got.out != "" {
				t.Errorf("exit code %d (-want +got):\n%s", got.code, d)
			}
			if d := cmp.Diff([]string{"failed select models: w*, versions: all", "ok models:/Sklearn_Wine/2"}, s.statuses()); d != "" {
				t.Error(d)
			}
			if host := s.hostStatus("prod"); host != gocmp.Or(c.host, "ok") {
				t.Errorf("the index says that the host is %s", host)
			}
			got = s.typesAndHides("get-registered-model", "--registered-model", "wine", "--tracking-uri", s.url)
			want = "mlreport: error: registered model \"wine\": " + said("--tracking-uri", "registered-models/get") + "\nmlreport: hint: " + c.hint + "\n"
			if d := cmp.Diff(want, got.err); d != "" || got.code != exitFatal || got.out != "" {
				t.Errorf("exit code %d, stdout %q (-want +got):\n%s", got.code, got.out, d)
			}
		})
	}
}

// hostStatus is what the index of the tree `out` says of a host.
func (u *user) hostStatus(name string) string {
	u.Helper()
	o, err := mlflow.DecodeJSON([]byte(u.reads(u.path("out", "index.json"))))
	if err != nil {
		u.Fatal(err)
	}
	return o.Object("hosts").Object(name).Text("status")
}

// Faults of single requests: what else can be read is read, and an entry has
// no more issues than it must.
func TestAFaultOfOneRequestCostsOneSection(t *testing.T) {
	const (
		run  = "0000000000000000000000000ab12001"
		file = "mlflow-artifacts:/1/models/m-" + run + "/artifacts/MLmodel"
		who  = `URL (address from host "prod" of the manifest, no credentials) `
	)
	for _, c := range []struct {
		name   string
		fault  mlflowtest.Fault
		status string
		said   string
	}{
		{"the run is denied", mlflowtest.Fault{Endpoint: "runs/get", Status: 403}, "partial",
			"partial models:/wine/2: denied: the credentials may not read run " + run + "\n  run " + run + ": " + who +
				"answered 403 PERMISSION_DENIED to runs/get: scripted by the test\n  hint: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest; with a login that is refused, ask the server's administrator for the permission READ on the run's experiment\n"},
		{"the experiment is a login page", mlflowtest.Fault{Endpoint: "experiments/get", LoginPage: true}, "partial",
			"partial models:/wine/2: unavailable: experiment 1 could not be read this time\n  experiment 1: " + who +
				"answered experiments/get with a page instead of data: Sign in.\n  hint: a login page or another program answers there: open URL in a browser to see it; programs sign in with MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD\n"},
		{"the file is a login page", mlflowtest.Fault{Endpoint: "mlflow-artifacts/artifacts", LoginPage: true}, "partial",
			"partial models:/wine/2: unavailable: " + file + " could not be read this time\n  " + who +
				"answered the file 1/models/m-" + run + "/artifacts/MLmodel with a page instead of data: Sign in.\n" +
				"  hint: a login page or another program answers there: open URL in a browser to see it; programs sign in with MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD\n"},
		{"the file is not there", mlflowtest.Fault{Endpoint: "mlflow-artifacts/artifacts", Status: 404}, "partial",
			"partial models:/wine/2: artifact-missing: there is no file at " + file + "\n"},
		{"the version is denied", mlflowtest.Fault{Endpoint: "model-versions/get", Status: 403}, "failed",
			"failed models:/wine/2: denied: the credentials may not read version 2 of registered model \"wine\"\n  version 2 of registered model \"wine\": " + who +
				"answered 403 PERMISSION_DENIED to model-versions/get: scripted by the test\n  hint: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest; with a login that is refused, ask the server's administrator for the permission READ on the registered model\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServerUser(t, mlflowtest.FakeOptions{})
			s.fake.Fail(c.fault)
			got := s.runs("models:/wine/2")
			if d := cmp.Diff(c.said, got.problems()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if rows := s.rows(); len(rows) != 2 || string(rows[0].Status) != c.status || rows[1].Status != report.StatusOK {
				t.Error(s.statuses())
			}
			if want := map[string]int{"partial": exitOK, "failed": exitPartial}[c.status]; got.code != want {
				t.Errorf("exit code %d, want %d", got.code, want)
			}
		})
	}
}

func TestPageTokensWithoutEndDoNotHoldTheBatch(t *testing.T) {
	for name, fault := range map[string]mlflowtest.Fault{
		"the same one again":   {SameToken: true},
		"always another":       {NewTokens: true},
		"the same of versions": {SameToken: true, Endpoint: "model-versions/search"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServerUser(t, mlflowtest.FakeOptions{})
			s.fake.Fail(fault)
			got := s.runs(wineSelect)
			listing, path := "registered models", "registered-models/search"
			if fault.Endpoint != "" {
				listing, path = "model versions", fault.Endpoint
			}
			want := "failed select models: w*, versions: all: unavailable: select models: w*, versions: all could not be read this time\n" +
				"  listing " + listing + ": the answer of URL to " + path + " goes on for ever: its pages never end\n" +
				"  hint: is it MLflow that answers there, and does no proxy change its answers? curl URL/version shows what does\n"
			if d := cmp.Diff(want, got.problems()); d != "" || got.code != exitPartial {
				t.Errorf("exit code %d (-want +got):\n%s", got.code, d)
			}
			if n := s.fake.Count(""); n > 100 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Whatever is at an address, it is never an empty selection, allowed or not.
func TestAServerThatCannotBeReachedIsNoEmptySelection(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	never := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-never:
		case <-r.Context().Done():
		}
	}))
	defer silent.Close()
	defer close(never)
	fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	fake.Fail(mlflowtest.Fault{Status: 404})
	who := `URL (address from host "prod" of the manifest, no credentials) `
	for _, c := range []struct {
		name, url        string
		said, hint, host string
	}{
		{"nobody listens", closed.URL, who + "does not answer: dial tcp HOST: connect: connection refused", "start the server, or correct the address; curl URL/health shows what answers there", "unreachable"},
		{"it never answers", silent.URL, who + "does not answer: the time limit of one request is over", "start the server, or correct the address; curl URL/health shows what answers there", "unreachable"},
		{"another program", other.URL, who + "answered 404 to registered-models/search: 404 page not found",
			"an older MLflow, or no MLflow, answers there; is a path prefix missing, as in https://host/mlflow? curl URL/version shows what does", "ok"},
		{"it says not found", fake.URL, who + "answered 404 RESOURCE_DOES_NOT_EXIST to registered-models/search: scripted by the test", "", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &serverUser{newSampleStore(t), c.url, nil}
			got := s.types("--timeout", "200ms", "run", s.manifest("{"+wineSelect+", allow-empty: true}"), "--out", s.path("out"))
			host := strings.TrimPrefix(c.url, "http://")
			want := "failed select models: w*, versions: all: unavailable: select models: w*, versions: all could not be read this time\n" +
				"  listing registered models: " + c.said + "\n"
			if c.hint != "" {
				want += "  hint: " + c.hint + "\n"
			}
			if d := cmp.Diff(want, strings.NewReplacer(c.url, "URL", host, "HOST").Replace(got.problems())); d != "" || got.code != exitPartial {
				t.Errorf("exit code %d (-want +got):\n%s", got.code, d)
			}
			if status := s.hostStatus("prod"); status != c.host {
				t.Errorf("the index says that the host is %s", status)
			}
		})
	}
}

// A host that goes away keeps what it once gave, and comes back without a trace.
func TestAHostThatGoesAwayLeavesStaleReportsAndComesBack(t *testing.T) {
	s := newServerUser(t, mlflowtest.FakeOptions{})
	entries := []string{wineSelect, `"models:/café ☃ #1 100% a+b&c/1"`}
	if got := s.runs(entries...); got.code != exitOK {
		t.Fatal(got)
	}
	before := readTree(t, s.path("out"))
	s.fake.Fail(mlflowtest.Fault{NoAnswer: true})
	got := s.runs(entries...)
	if got.code != exitPartial || !strings.Contains(got.err, "\n  entries: 1 ok, 4 stale\n") || s.hostStatus("prod") != "unreachable" {
		t.Error(got.code, got.err)
	}
	during := readTree(t, s.path("out"))
	delete(during, "index.json")
	delete(during, "models.csv") // which has the issues, too
	for name := range during {
		if during[name] != before[name] {
			t.Errorf("%s changed", name)
		}
	}
	s.fake.Heal()
	if got := s.runs(entries...); got.code != exitOK || !strings.Contains(got.err, "5 reports in TIME (5 unchanged)\n") {
		t.Error(got)
	}
	if d := cmp.Diff(before, readTree(t, s.path("out"))); d != "" {
		t.Error(d)
	}
}

// A server that has too much to do is asked again when it said that it may be.
func TestRetryAfterIsObeyedByARun(t *testing.T) {
	s := newServerUser(t, mlflowtest.FakeOptions{})
	s.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
	s.fake.Fail(mlflowtest.Fault{Status: 429, RetryAfter: 1, Times: 1})
	began := time.Now()
	if got := s.runs("models:/wine/2"); got.code != exitOK || got.problems() != "" {
		t.Error(got)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("it was asked again after %s", took)
	}
}
