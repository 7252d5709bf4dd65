package mlflowtest

import (
	_ "embed" // the data
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Made-up data in the shapes that Databricks answers with: workspace_id,
// experiments, runs, models (as `databricks/registered-models/get` shows them),
// versions, uc_models, uc_versions, permissions and so on, and files by where
// they are kept (`registry:<name>/<version>`, `run:<id>`, `logged:<id>`,
// `/Models/...`, `/Volumes/...`, `dbfs:/...`).
//
//go:embed workspace.json
var workspaceJSON []byte

// What a FakeWorkspace lets in.
const (
	WorkspaceToken        = "dapi0123456789abcdef0123456789abcdef" //nolint:gosec // of the fake
	WorkspaceClientID     = "038455d4-0000-4544-b6cf-64d55b91fee1"
	WorkspaceClientSecret = "dose0123456789abcdef" //nolint:gosec // of the fake
	workspaceBearer       = "eyJ-made-up-oauth-token"
)

// A FakeWorkspace is a server in this process that answers like a Databricks
// workspace: tracking, its own registry, Unity Catalog, permissions, serving
// endpoints, lineage, files; and a second one for the cloud storage behind it,
// which lets nobody in but by a URL that the workspace signed.
type FakeWorkspace struct {
	URL        string
	StorageURL string

	opts  FakeWorkspaceOptions
	world *mlflow.Object

	mu       sync.Mutex
	requests []FakeRequest
	signs    int               // URLs signed so far
	urls     map[string]string // path of a signed URL -> the key of its file
	used     map[string]int    // how often a file's URL was used
	leaks    []string          // credentials that reached the storage
	faults   []*Fault
}

// FakeWorkspaceOptions are what workspaces differ in.
type FakeWorkspaceOptions struct {
	PageSize    int            // rows of a search, at most; 0: 2
	TooMany     int            // each n-th request is answered 429 first; 0: none
	FilesAPI    bool           // models of Unity Catalog are read by the Files API
	Expired     bool           // the first URL of each file has ended its life
	NoListing   bool           // storage answers 403 for a file that is not there
	DefaultMode bool           // credentials of Unity Catalog have storage_mode DEFAULT_STORAGE
	Credentials *mlflow.Object // of Unity Catalog's versions, else
}

// StartWorkspace starts a workspace that ends with the test.
func StartWorkspace(t testing.TB, o FakeWorkspaceOptions) *FakeWorkspace {
	t.Helper()
	world, err := mlflow.DecodeJSON(workspaceJSON)
	if err != nil {
		t.Fatal(err)
	}
	if o.PageSize == 0 {
		o.PageSize = 2
	}
	f := &FakeWorkspace{opts: o, world: world, urls: map[string]string{}, used: map[string]int{}}
	api, storage := httptest.NewServer(f), httptest.NewServer(http.HandlerFunc(f.serveStorage))
	f.URL, f.StorageURL = api.URL, storage.URL
	for _, s := range []*httptest.Server{api, storage} {
		t.Cleanup(func() {
			s.CloseClientConnections()
			s.Close()
		})
	}
	t.Cleanup(func() {
		if len(f.leaks) > 0 {
			t.Errorf("what belongs to the workspace was sent to its storage: %q", f.leaks)
		}
	})
	return f
}

// World is the data, to be changed before anything is asked.
func (f *FakeWorkspace) World() *mlflow.Object { return f.world }

// Fail adds a fault; see Fake.
func (f *FakeWorkspace) Fail(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &fault)
}

// Requests lists what the workspace was asked.
func (f *FakeWorkspace) Requests() []FakeRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Count tells how many requests an endpoint got.
func (f *FakeWorkspace) Count(endpoint string) int {
	n := 0
	for _, r := range f.Requests() {
		if r.Endpoint == endpoint {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (f *FakeWorkspace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/oidc/") {
		f.serveLogin(w, r)
		return
	}
	req := FakeRequest{Endpoint: endpointOf(r.URL.Path), Method: r.Method, Query: r.URL.Query(), Path: r.URL.Path, Header: r.Header}
	if r.Method == http.MethodPost {
		req.Body, _ = mlflow.DecodeJSON(readAll(r))
	}
	fault, tooMany := f.note(req)
	switch {
	case fault.spoils(w, r):
		return
	case tooMany:
		w.Header().Set("Retry-After", "0")
		refusal(429, "REQUEST_LIMIT_EXCEEDED", "Rate limit exceeded").write(w)
		return
	case !slices.Contains([]string{"Bearer " + WorkspaceToken, "Bearer " + workspaceBearer}, r.Header.Get("Authorization")):
		refusal(403, "", "Invalid access token.").write(w)
		return
	}
	w.Header().Set("X-Databricks-Org-Id", f.world.Text("workspace_id"))
	f.mu.Lock()
	a := f.answer(req)
	f.mu.Unlock()
	a.write(w)
}

// note records a request and tells what it meets.
func (f *FakeWorkspace) note(req FakeRequest) (*Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, req)
	for _, fault := range f.faults {
		if fault.meets(req) {
			met := *fault
			return &met, false
		}
	}
	return nil, f.opts.TooMany > 0 && len(f.requests)%f.opts.TooMany == 0
}

// serveLogin is OAuth, machine to machine.
func (f *FakeWorkspace) serveLogin(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oidc/.well-known/oauth-authorization-server" {
		jsonAnswer(members("authorization_endpoint", f.URL+"/oidc/v1/authorize", "token_endpoint", f.URL+"/oidc/v1/token")).write(w)
		return
	}
	id, secret, _ := r.BasicAuth()
	form, _ := url.ParseQuery(string(readAll(r)))
	if id != WorkspaceClientID || secret != WorkspaceClientSecret || form.Get("grant_type") != "client_credentials" || form.Get("scope") != "all-apis" {
		fakeAnswer{401, "application/json", []byte(`{"error":"invalid_client","error_description":"Client authentication failed"}`)}.write(w)
		return
	}
	jsonAnswer(members("access_token", workspaceBearer, "token_type", "Bearer", "expires_in", 3600)).write(w)
}

func (a fakeAnswer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.kind)
	w.WriteHeader(a.status)
	w.Write(a.body) //nolint:errcheck,gosec // the client may be gone
}

// refusal is an error as Databricks tells it.
func refusal(status int, code, message string) fakeAnswer {
	return fakeAnswer{status, "application/json", mlflow.JSON{}.Append(nil, members("error_code", orNil(code), "message", message))}
}

func gone(what string) fakeAnswer {
	return refusal(404, "RESOURCE_DOES_NOT_EXIST", what+" does not exist.")
}
