package mlflowtest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Fake is a server in this process that answers like MLflow: a world written
// down by a test, seen through the REST API of one version of MLflow, with
// that version's gaps (see manners). It counts requests and can be told to
// fail (see Fault).
//
// Served are the reads of registered models, versions, runs, experiments and
// logged models (`get` and `search`), get-download-uri, get-by-name, /graphql
// for runs, /version, /health, metric histories and files below `mlflow-artifacts`.
type Fake struct {
	URL string

	does   manners
	world  *FakeWorld
	server *httptest.Server

	mu       sync.Mutex // guards all below, and the world
	requests []FakeRequest
	rows     map[string]int // that searches showed, by endpoint
	faults   []*Fault
}

// FakeOptions say which MLflow a Fake is. The zero value is MLflow3.
type FakeOptions struct {
	Version      string // such as 1.30.1, 2.22.1, 3.4.0, 3.8.1
	NoGraphQL    bool   // /graphql is 404, as behind a proxy that lets only /api through
	IgnoresLists bool   // each `IN` is answered with all rows
	Prefix       string // of all paths, such as `/mlflow`
}

// A FakeRequest is one that a Fake got.
type FakeRequest struct {
	Endpoint string // such as `runs/search`, `graphql`, `version`, `mlflow-artifacts/artifacts`
	Method   string
	Query    url.Values
	Body     *mlflow.Object // of a POST
	Line     int            // bytes of the request line
	Path     string
	Header   http.Header
}

// StartFake starts a server that ends with the test. The world is its own from
// then on; Change changes it.
func StartFake(t testing.TB, w *FakeWorld, o FakeOptions) *Fake {
	t.Helper()
	f := &Fake{world: w, rows: map[string]int{}, does: mannersOf(or(o.Version, MLflow3))}
	f.does.graphQL = f.does.graphQL && !o.NoGraphQL
	f.does.ignoresLists = o.IgnoresLists
	f.server = httptest.NewServer(http.StripPrefix(o.Prefix, f))
	f.URL = f.server.URL + o.Prefix
	t.Cleanup(func() {
		f.server.CloseClientConnections()
		f.server.Close()
	})
	return f
}

// Change changes the world, between two requests.
func (f *Fake) Change(change func(*FakeWorld)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f.world)
}

// Requests lists what was asked since the start or the last Forget.
func (f *Fake) Requests() []FakeRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]FakeRequest(nil), f.requests...)
}

// Count tells how many requests an endpoint got; of "" all but artifact files.
func (f *Fake) Count(endpoint string) int {
	n := 0
	for _, r := range f.Requests() {
		if r.Endpoint == endpoint || endpoint == "" && r.Endpoint != fakeArtifacts {
			n++
		}
	}
	return n
}

// Counts tells the same of each endpoint.
func (f *Fake) Counts() map[string]int {
	counts := map[string]int{}
	for _, r := range f.Requests() {
		counts[r.Endpoint]++
	}
	return counts
}

// Rows tells how many rows the searches of an endpoint showed.
func (f *Fake) Rows(endpoint string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[endpoint]
}

// Forget forgets all requests and rows.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests, f.rows = nil, map[string]int{}
}

const (
	fakeAPI       = "/api/2.0/mlflow/"
	fakeArtifacts = "mlflow-artifacts/artifacts"
	maxFakeBody   = 16 << 20
)

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFakeBody))
	if err != nil {
		return
	}
	req := FakeRequest{
		Endpoint: endpointOf(r.URL.Path), Method: r.Method, Query: r.URL.Query(), Path: r.URL.Path, Header: r.Header,
		Line: len(r.Method) + len(r.RequestURI) + len("  HTTP/1.1"),
	}
	if r.Method == http.MethodPost {
		req.Body, _ = mlflow.DecodeJSON(body) // nil when it is none, which is refused below
	}
	fault := f.note(req)
	if fault.spoils(w, r) {
		return
	}
	if fault != nil && fault.SameToken {
		req = req.withoutToken()
	}
	if fault != nil && fault.NewTokens {
		fault.send(w, jsonAnswer(members()))
		return
	}
	fault.send(w, f.answer(req))
}

// note records a request and picks the fault that it meets.
func (f *Fake) note(req FakeRequest) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, req)
	for _, fault := range f.faults {
		if fault.meets(req) {
			met := *fault
			return &met
		}
	}
	return nil
}

// endpointOf is what a request asks for, without ids.
func endpointOf(path string) string {
	for _, prefix := range []string{fakeAPI, "/ajax-api/2.0/mlflow/", "/api/2.0/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			switch {
			case strings.HasPrefix(rest, fakeArtifacts):
				return fakeArtifacts
			case strings.HasPrefix(rest, "logged-models/") && rest != "logged-models/search":
				return "logged-models/get"
			}
			return rest
		}
	}
	return strings.TrimPrefix(path, "/")
}

// An answered request.
type fakeAnswer struct {
	status int
	kind   string // Content-Type
	body   []byte
}

func jsonAnswer(o *mlflow.Object) fakeAnswer {
	return fakeAnswer{200, "application/json", mlflow.JSON{Indent: 2, ASCII: true}.Append(nil, o)}
}

func htmlAnswer(status int, text string) fakeAnswer {
	return fakeAnswer{status, "text/html; charset=utf-8", fmt.Appendf(nil, "<!doctype html>\n<title>%d %s</title>\n<h1>%[2]s</h1>\n", status, text)}
}

// refuse is an error as MLflow tells it.
func (f *Fake) refuse(status int, code, format string, args ...any) fakeAnswer {
	o := members("error_code", code, "message", fmt.Sprintf(format, args...))
	if f.does.workspaces {
		o.Append("sqlstate", "KAM00")
	}
	return fakeAnswer{status, "application/json", mlflow.JSON{ASCII: true}.Append(nil, o)}
}

func (f *Fake) invalid(err error) fakeAnswer {
	return f.refuse(400, "INVALID_PARAMETER_VALUE", "%s", err)
}

func (f *Fake) notFound(format string, args ...any) fakeAnswer {
	return f.refuse(404, "RESOURCE_DOES_NOT_EXIST", format, args...)
}

func (f *Fake) answer(r FakeRequest) fakeAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.does.maxLine > 0 && r.Line > f.does.maxLine {
		return fakeAnswer{400, "text/html", fmt.Appendf(nil, "<html>\n<h1><p>Bad Request</p></h1>\n Request Line is too large (%d &gt; %d)\n</html>\n", r.Line, f.does.maxLine)}
	}
	handle, ok := f.endpoints()[r.Method+" "+r.Endpoint]
	if !ok {
		return htmlAnswer(404, "Not Found")
	}
	return handle(r)
}

func (f *Fake) endpoints() map[string]func(FakeRequest) fakeAnswer {
	all := map[string]func(FakeRequest) fakeAnswer{
		"GET registered-models/get":           f.getModel,
		"GET registered-models/search":        f.searchModels,
		"GET model-versions/get":              f.getVersion,
		"GET model-versions/search":           f.searchVersions,
		"GET model-versions/get-download-uri": f.getDownloadURI,
		"GET runs/get":                        f.getRun,
		"POST runs/search":                    f.searchRuns,
		"GET metrics/get-history":             f.getHistory,
		"GET experiments/get":                 f.getExperiment,
		"GET experiments/get-by-name":         f.getExperimentByName,
		"GET experiments/search":              f.searchExperiments,
		"POST experiments/search":             f.searchExperiments,
		"GET " + fakeArtifacts:                f.getArtifact,
		"GET health":                          func(FakeRequest) fakeAnswer { return fakeAnswer{200, "text/html", []byte("OK")} },
	}
	if f.does.bulkHistory {
		all["GET metrics/get-history-bulk"] = f.getHistories
	}
	if f.does.loggedModels {
		all["GET logged-models/get"] = f.getLogged
		all["POST logged-models/search"] = f.searchLogged
	}
	if f.does.graphQL {
		all["POST graphql"] = f.graphQL
	}
	if f.does.version {
		all["GET version"] = func(FakeRequest) fakeAnswer { return fakeAnswer{200, "text/html", []byte(f.does.number)} }
	}
	return all
}

// param is a field of a request, wherever it stands.
func (r FakeRequest) param(name string) string {
	if r.Body != nil {
		return r.Body.Text(name)
	}
	return r.Query.Get(name)
}

// params is a repeated field.
func (r FakeRequest) params(name string) []string {
	if r.Body == nil {
		return r.Query[name]
	}
	var out []string
	for _, v := range r.Body.List(name) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// withoutToken is the request for the first page.
func (r FakeRequest) withoutToken() FakeRequest {
	r.Query = maps.Clone(r.Query)
	r.Query.Del("page_token")
	r.Body = r.Body.Clone()
	r.Body.Delete("page_token")
	return r
}

// String is the request on one line, for messages of tests.
func (r FakeRequest) String() string {
	if r.Body != nil {
		return r.Method + " " + r.Endpoint + " " + string(mlflow.JSON{}.Append(nil, r.Body))
	}
	return fmt.Sprintf("%s %s %q", r.Method, r.Endpoint, r.Query)
}
