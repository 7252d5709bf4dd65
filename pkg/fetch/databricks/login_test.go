package databricks_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ask opens a workspace and reads a model.
func ask(t *testing.T, l databricks.Login) error {
	t.Helper()
	w, err := databricks.Open(databricks.Options{Login: l, Server: rest.Options{MaxRetries: -1}})
	if err != nil {
		return err
	}
	defer w.Close()
	found, err := w.Source(nil).Models(t.Context(), []string{"credit_risk"})
	if err != nil {
		return err
	}
	return found["credit_risk"].Err
}

func variables(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestLogsInInAllWays(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	file := filepath.Join(t.TempDir(), "databrickscfg")
	profiles := "[DEFAULT]\nhost = " + f.URL + "\ntoken = " + mlflowtest.WorkspaceToken + "\n[service]\nhost = " + f.URL + "\nclient_id = " + mlflowtest.WorkspaceClientID + "\nclient_secret = " + mlflowtest.WorkspaceClientSecret + "\n"
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	for name, l := range map[string]databricks.Login{
		"token":                        {Host: f.URL, Token: mlflowtest.WorkspaceToken, ConfigFile: none},
		"service principal":            {Host: f.URL, ClientID: mlflowtest.WorkspaceClientID, ClientSecret: mlflowtest.WorkspaceClientSecret, ConfigFile: none},
		"the profile DEFAULT":          {ConfigFile: file},
		"a profile":                    {Profile: "service", ConfigFile: file},
		"variables":                    {ConfigFile: none, Lookup: variables("DATABRICKS_HOST", f.URL, "DATABRICKS_TOKEN", mlflowtest.WorkspaceToken)},
		"a profile by variable":        {ConfigFile: file, Lookup: variables("DATABRICKS_CONFIG_PROFILE", "service")},
		"host by variable":             {Token: mlflowtest.WorkspaceToken, ConfigFile: none, Lookup: variables("DATABRICKS_HOST", f.URL, "DATABRICKS_CLIENT_ID", "of another")},
		"a profile, not the variables": {Profile: "service", ConfigFile: file, Lookup: variables("DATABRICKS_HOST", "http://127.0.0.1:1", "DATABRICKS_TOKEN", "x")},
	} {
		if err := ask(t, l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSaysWhatIsWrongWithALogin(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		login databricks.Login
		kind  error
		says  string
	}{
		"wrong token":  {databricks.Login{Host: f.URL, Token: "dapi-of-nobody", ConfigFile: none}, mlflow.ErrDenied, "Invalid access token"},
		"wrong secret": {databricks.Login{Host: f.URL, ClientID: mlflowtest.WorkspaceClientID, ClientSecret: "hunter2-hunter2", ConfigFile: none}, mlflow.ErrDenied, "logging in failed"},
		"no host":      {databricks.Login{Token: "x", ConfigFile: none}, mlflow.ErrInvalid, "has no host"},
		"no login":     {databricks.Login{Host: f.URL, ConfigFile: none}, mlflow.ErrDenied, "logging in failed"},
		"nobody there": {databricks.Login{Host: "http://127.0.0.1:1", Token: "x", ConfigFile: none}, mlflow.ErrUnavailable, "does not answer"},
	} {
		err := ask(t, c.login)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || mlflow.Hint(err) == "" {
			t.Errorf("%s: %v (hint %q)", name, err, mlflow.Hint(err))
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "dapi-of")) {
			t.Errorf("%s: shows a secret: %v", name, err)
		}
	}
}

func TestFindsTheWorkspaceID(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	for host, id := range map[string]string{
		f.URL: f.World().Text("workspace_id"), f.URL + "/?o=42": "42",
		"https://adb-1234567890123456.7.azuredatabricks.net": "1234567890123456", "adb-12.3.azuredatabricks.net": "12",
	} {
		w, err := databricks.Open(databricks.Options{Login: databricks.Login{Host: host, Token: mlflowtest.WorkspaceToken}})
		if err != nil {
			t.Fatal(err)
		}
		same(t, id, w.ID(t.Context()))
		w.Close()
	}
}

// The service that hands out tokens may be down while the workspace is not:
// nobody was refused then.
func TestATokenServiceThatIsDownRefusesNobody(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	to, err := url.Parse(f.URL)
	if err != nil {
		t.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(to)
	for status, kind := range map[int]error{http.StatusServiceUnavailable: mlflow.ErrUnavailable, http.StatusInternalServerError: mlflow.ErrUnavailable, http.StatusBadGateway: mlflow.ErrUnavailable, http.StatusUnauthorized: mlflow.ErrDenied} {
		var self *httptest.Server
		self = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/token"):
				http.Error(w, "<html>not now", status)
			case strings.Contains(r.URL.Path, "/.well-known/"):
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"authorization_endpoint": "%s/authorize", "token_endpoint": "%[1]s/token"}`, self.URL)
			default:
				pass.ServeHTTP(w, r)
			}
		}))
		t.Cleanup(self.Close)
		err := ask(t, databricks.Login{Host: self.URL, ClientID: mlflowtest.WorkspaceClientID, ClientSecret: mlflowtest.WorkspaceClientSecret, ConfigFile: filepath.Join(t.TempDir(), "none")})
		if !errors.Is(err, kind) || mlflow.Hint(err) == "" {
			t.Errorf("%d: %v (hint %q)", status, err, mlflow.Hint(err))
		}
	}
}
