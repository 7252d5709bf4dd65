package main

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const unityCatalog = "databricks-uc"

// splitDatabricks cuts `databricks://PROFILE` into its kind and its profile.
func splitDatabricks(uri string) (kind, profile string) {
	kind, profile, _ = strings.Cut(uri, "://")
	return strings.TrimSuffix(strings.ToLower(kind), ":"), strings.Trim(profile, "/")
}

func isDatabricks(uri string) bool {
	kind, _ := splitDatabricks(uri)
	return kind == "databricks" || kind == unityCatalog
}

// oneWorkspace tells whether tracking and registry are the same workspace:
// then one client asks for both.
func (h hostSpec) oneWorkspace() bool {
	_, tracking := splitDatabricks(h.Tracking)
	_, registry := splitDatabricks(h.Registry)
	return isDatabricks(h.Tracking) && isDatabricks(h.Registry) && tracking == registry
}

// openDatabricks opens a workspace. What the manifest does not say comes from
// the profile, or, without one, from the variables that Databricks' tools read.
func (s *session) openDatabricks(at address, h hostSpec, log *slog.Logger) (*store, error) {
	kind, profile := splitDatabricks(at.uri)
	if h.oneWorkspace() {
		kind, _ = splitDatabricks(h.Registry)
	}
	login, err := s.databricksLogin(profile, h)
	if err != nil {
		return nil, err
	}
	o := databricks.Options{Login: login, UnityCatalog: kind == unityCatalog, Server: s.serverOptions(at, h, log)}
	if login.Lookup != nil {
		o.WorkspaceID = s.get("DATABRICKS_WORKSPACE_ID")
	}
	if err := s.fillLimits(&o.Server); err != nil {
		return nil, err
	}
	w, err := databricks.Open(o)
	if err != nil {
		return nil, err
	}
	files := w.Artifacts()
	return &store{
		source: w.Source(log), client: w.Client(), workspace: w,
		artifacts: s.artifactsOf(h, artifact.Options{Proxy: files, Serves: files.Serves}),
		close:     func() error { w.Close(); return nil },
	}, nil
}

// databricksLogin says how to log in. Credentials of the environment go to the
// workspace that the environment names, and to no other.
func (s *session) databricksLogin(profile string, h hostSpec) (databricks.Login, error) {
	a := h.Auth
	if strings.Contains(profile, ":") {
		return databricks.Login{}, &mlflow.Error{
			Err:  errUsage{mlflow.Reason(mlflow.ErrUnsupported, "an address of the form databricks://SCOPE:KEY names secrets, which only notebooks of Databricks can read")},
			Hint: "name a profile of ~/.databrickscfg: databricks://PROFILE",
		}
	}
	if profile != "" && a.Profile != "" && profile != a.Profile {
		return databricks.Login{}, errUsage{fmt.Errorf("host %q names two profiles of Databricks: %s in its address and %s in auth", h.Name, profile, a.Profile)}
	}
	if profile == "" {
		profile = a.Profile
	}
	l := databricks.Login{
		Profile: profile, ConfigFile: s.get("DATABRICKS_CONFIG_FILE"),
		Host: a.Host, Token: a.Token, Username: a.Username, Password: a.Password, ClientID: a.ClientID, ClientSecret: a.ClientSecret,
	}
	if l.ConfigFile == "" && s.Home != "" {
		l.ConfigFile = filepath.Join(s.Home, ".databrickscfg")
	}
	if profile == "" && (a.Host == "" || sameWorkspace(a.Host, s.get("DATABRICKS_HOST"))) {
		l.Lookup = s.get
	}
	return l, nil
}

// sameWorkspace tells whether two addresses, perhaps without a scheme, name
// one workspace.
func sameWorkspace(a, b string) bool {
	x, err := url.Parse(withScheme(a))
	y, err2 := url.Parse(withScheme(b))
	return err == nil && err2 == nil && x.Host != "" && strings.EqualFold(x.Host, y.Host) && strings.EqualFold(x.Scheme, y.Scheme)
}

func withScheme(address string) string {
	if address == "" || strings.Contains(address, "://") {
		return address
	}
	return "https://" + address
}

// serverOptions are what a client of any server gets from the host.
func (s *session) serverOptions(at address, h hostSpec, log *slog.Logger) rest.Options {
	return rest.Options{
		TrackingURI: at.uri, AddressFrom: s.addressFrom(at, h),
		Headers: h.Headers, UserAgent: "mlreport/" + version(),
		InsecureTLS: h.TLS.Insecure, CAFile: h.TLS.CA, ClientCertFile: h.TLS.ClientCert,
		Proxy:    http.ProxyFromEnvironment,
		InFlight: h.Limits.InFlight, RequestsPerSecond: h.Limits.RequestsPerSecond, Timeout: h.Limits.Timeout,
		Log: log, Now: s.Now,
	}
}

// asDatabricks notes what links and reports must know of a host that is a
// workspace, wholly or by its registry.
func (o *opened) asDatabricks(tracking, registry *databricks.Workspace) {
	o.UnityCatalog = registry != nil && registry.UnityCatalog()
	if tracking == nil {
		return
	}
	o.Databricks, o.WorkspaceID = true, tracking.ID
	if o.UI == "" {
		o.UI = tracking.Host()
	}
}

// byOwner reads the files of model versions from the registry's artifacts, all
// others from the tracking store's.
type byOwner struct{ registry, tracking fetch.Artifacts }

func (b byOwner) of(at fetch.Location) fetch.Artifacts {
	if at.Version.Model != "" {
		return b.registry
	}
	return b.tracking
}

// ReadFile implements fetch.Artifacts.
func (b byOwner) ReadFile(ctx context.Context, at fetch.Location, path string, limit int64, since fetch.Stamp) (fetch.File, error) {
	return b.of(at).ReadFile(ctx, at, path, limit, since)
}

// List implements fetch.Artifacts.
func (b byOwner) List(ctx context.Context, at fetch.Location, path string, depth int) iter.Seq2[mlflow.FileInfo, error] {
	return b.of(at).List(ctx, at, path, depth)
}

// permissions reads who may do what with an object; what cannot be had is an
// issue, and nothing where the store has none.
func (s *shower) permissions(ctx context.Context, kind, id, what string) (fetch.Permissions, []mlflow.Issue, error) {
	p, err := fetch.PermissionsOf(ctx, s.Source, kind, id)
	issues, err := platformIssues(ctx, kind, err, "the permissions of "+what)
	return p, issues, err
}

// transitionRequests is the same for the requests to move a version to another
// stage.
func (s *shower) transitionRequests(ctx context.Context, id mlflow.VersionID) ([]any, []mlflow.Issue, error) {
	requests, err := fetch.TransitionRequestsOf(ctx, s.Source, id)
	issues, err := platformIssues(ctx, "model_version", err, "the transition requests of "+id.String())
	return requests, issues, err
}

func platformIssues(ctx context.Context, section string, err error, what string) ([]mlflow.Issue, error) {
	if ctx.Err() != nil || err == nil {
		return nil, ctx.Err()
	}
	if issue, ok := fetch.PlatformIssue(section, err, what); ok {
		return []mlflow.Issue{issue}, nil
	}
	return nil, nil
}
