package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/fetch/filestore"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/fetch/sqlstore"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A store is one opened place where MLflow objects are.
type store struct {
	source    fetch.Source
	artifacts fetch.Artifacts
	client    *rest.Client          // of a server
	away      func() bool           // of a database server: it went away; nil: of all others
	workspace *databricks.Workspace // of Databricks
	close     func() error
}

// An opened is a host with its stores open. What is wrong with it is in Err,
// so that other hosts can do their work.
type opened struct {
	batch.Host
	stores                 []*store // tracking, then the registry when that is another one
	trackingAt, registryAt address
	named                  bool // a manifest or the command line names it: without a word, another store may be meant
}

// openHost opens what a host names.
func (s *session) openHost(ctx context.Context, h hostSpec, log *slog.Logger) *opened {
	o := &opened{Host: batch.Host{Name: h.Name, Tracking: h.Source, UI: h.UI, Workspace: h.Workspace}}
	o.Answered = o.answered
	defer func() { o.Err = ofHost(h, o.Err) }()
	o.trackingAt = address{h.Tracking, h.trackingFrom}
	o.registryAt = o.trackingAt
	o.named = h.fromManifest || h.trackingFrom != "" && h.trackingFrom != "MLFLOW_TRACKING_URI"
	tracking := o.open(s.openStore(ctx, o.trackingAt, h, log))
	if tracking == nil {
		return o
	}
	o.Source, o.Artifacts = tracking.source, tracking.artifacts
	if h.Registry != "" && h.Registry != h.Tracking {
		o.registryAt = address{h.Registry, h.registryFrom}
		if isHTTP(h.Registry) || isDatabricks(h.Registry) {
			o.Registry = cleanURI(h.Registry)
		}
		if !h.oneWorkspace() {
			registry := o.open(s.openStore(ctx, o.registryAt, h, log))
			if registry == nil {
				return o
			}
			o.Source = fetch.Pair{Registry: registry.source, Tracking: tracking.source}
			o.Artifacts = byOwner{registry: registry.artifacts, tracking: tracking.artifacts}
		}
	}
	o.Local = o.registry().client == nil
	o.asDatabricks(tracking.workspace, o.registry().workspace)
	if o.UI == "" && isHTTP(h.Tracking) {
		o.UI = cleanURI(h.Tracking)
	}
	o.UI = strings.TrimRight(o.UI, "/")
	return o
}

// ofHost names the host of a manifest in an error about it that does not.
func ofHost(h hostSpec, err error) error {
	where := fmt.Sprintf("host %q", h.Name)
	var usage errUsage
	if err == nil || !h.fromManifest || errors.As(err, &usage) || strings.Contains(err.Error(), where) {
		return err
	}
	return &mlflow.Error{Op: where + " of the manifest", Err: err}
}

// open takes a store, or notes why there is none.
func (o *opened) open(st *store, err error) *store {
	if err != nil {
		o.Err = err
		return nil
	}
	o.stores = append(o.stores, st)
	return st
}

// registry is the store of the registered models.
func (o *opened) registry() *store { return o.stores[len(o.stores)-1] }

func (o *opened) close(log *slog.Logger) {
	for _, st := range o.stores {
		if err := st.close(); err != nil {
			log.Warn("closing a store", "err", err)
		}
	}
}

// answered tells whether every server that was asked did more than to say that
// it is not there, and did not go away later.
func (o *opened) answered() bool {
	for _, st := range o.stores {
		if st.away != nil && st.away() {
			return false
		}
		if st.client == nil {
			continue
		}
		stats := st.client.Stats()
		there := stats.Requests == 0
		for status := range stats.Statuses {
			there = there || !slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, status)
		}
		if !there || st.client.Away() {
			return false
		}
	}
	return true
}

// An address is a tracking or registry URI and where it was found.
type address struct{ uri, from string }

// String is the store in a sentence.
func (a address) String() string {
	if a.from == "" {
		return cleanURI(a.uri)
	}
	return cleanURI(a.uri) + " (from " + a.from + ")"
}

// openStore opens a tracking or registry URI as MLflow spells them.
func (s *session) openStore(ctx context.Context, at address, h hostSpec, log *slog.Logger) (*store, error) {
	uri := at.uri
	if err := ofWindows(uri); err != nil {
		return nil, err
	}
	scheme, _, _ := strings.Cut(uri, ":")
	switch dialect, _, _ := strings.Cut(strings.ToLower(scheme), "+"); {
	case isHTTP(uri):
		return s.openServer(at, h, log)
	case dialect == "sqlite" && strings.Contains(uri, "://"):
		return s.openDatabase(ctx, uri, h, log)
	case strings.Contains(uri, "://") && mlflow.IsDatabaseServer(dialect):
		return s.openDatabaseServer(ctx, uri, h, log)
	case isDatabricks(uri):
		return s.openDatabricks(at, h, log)
	case dialect == "uc":
		return nil, notServed("the open-source Unity Catalog", "what is read are MLflow servers (https://host), Databricks (databricks, databricks-uc), databases (sqlite:///mlflow.db, postgresql://, mysql://) and mlruns folders")
	case strings.Contains(uri, "://") && dialect != "file":
		return nil, &mlflow.Error{
			Err:  mlflow.Reason(mlflow.ErrUnsupported, "%q names no kind of store that MLflow has", cleanURI(uri)),
			Hint: "give https://host of a server, sqlite:///path/mlflow.db, postgresql://host/database, mysql://host/database, or the path of an mlruns folder",
		}
	}
	return s.openPath(ctx, uri, h, log)
}

// notServed is about what a later version will read.
func notServed(what, hint string) error {
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnsupported, "%s is not served by this version of mlreport yet", what), Hint: hint}
}

func (s *session) openDatabase(ctx context.Context, uri string, h hostSpec, log *slog.Logger) (*store, error) {
	db, err := sqlstore.Open(ctx, sqlstore.Options{URI: uri, Workspace: h.Workspace, Log: log, Now: s.Now})
	if err != nil {
		return nil, err
	}
	return &store{source: db, artifacts: s.artifactsOf(h, artifact.Options{StoreDir: db.Dir()}), close: db.Close}, nil
}

// openDatabaseServer opens a database on a server. Artifacts are read where
// artifact-roots say that they are. PGPASSWORD is for the server that PGHOST,
// a flag or the environment names, as all credentials of the environment.
func (s *session) openDatabaseServer(ctx context.Context, uri string, h hostSpec, log *slog.Logger) (*store, error) {
	switch {
	case h.Auth.Token != "":
		return nil, databaseSetting("auth: token", "give user and password, in the address or as auth: {username: ..., password: ...}")
	case h.TLS != manifest.TLS{}:
		return nil, databaseSetting("tls", "TLS is an option of the address: ?sslmode=verify-full&sslrootcert=... (PostgreSQL), ?ssl_ca=... (MySQL)")
	}
	d, _ := mlflow.ParseDatabaseURI(uri)
	db, err := sqlstore.Open(ctx, sqlstore.Options{
		URI: uri, Workspace: h.Workspace, Log: log, Now: s.Now,
		User: h.Auth.Username, Password: h.Auth.Password, OwnEnvironment: h.fromEnv || d.Host == s.get("PGHOST"),
		Connections: h.Limits.InFlight, StatementTimeout: h.Limits.Timeout,
	})
	if err != nil {
		return nil, err
	}
	return &store{source: db, artifacts: s.artifactsOf(h, artifact.Options{}), away: db.Away, close: db.Close}, nil
}

func databaseSetting(name, hint string) error {
	return &mlflow.Error{Err: errUsage{mlflow.Reason(mlflow.ErrUnsupported, "%s is not a setting of a database", name)}, Hint: hint}
}

// openPath opens a path or file: URI: a database file, or an mlruns folder.
func (s *session) openPath(ctx context.Context, uri string, h hostSpec, log *slog.Logger) (*store, error) {
	path, ok := mlflow.LocalPath(uri)
	if !ok {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnsupported, "%q is not a path on this machine", cleanURI(uri))}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrNotFound, "there is no store at %s", path), Hint: "give the address of a server, sqlite:///path/mlflow.db, or the path of an mlruns folder"}
	}
	if err == nil && info.Mode().IsRegular() {
		if is := whatFileIs(path); is != aDatabase && is != "" {
			return nil, s.otherThan("a store of MLflow", cleanURI(uri))
		}
		return s.openDatabase(ctx, "sqlite:///"+filepath.ToSlash(path), h, log)
	}
	if h.Workspace != "" && h.Workspace != "default" {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnsupported, "an mlruns folder has no workspaces, and workspace %q was asked for", h.Workspace), Hint: "leave out `workspace:` of the host in the manifest"}
	}
	folder, err := filestore.Open(ctx, filestore.Options{Dir: path, Log: log})
	if err != nil {
		if other := s.otherThan("a store of MLflow", cleanURI(uri)); other != nil {
			return nil, other
		}
		return nil, err
	}
	return &store{source: folder, artifacts: s.artifactsOf(h, artifact.Options{StoreDir: folder.Dir(), FolderStore: true}), close: folder.Close}, nil
}

// artifactsOf adds the folders that the user named to where artifacts are read.
func (s *session) artifactsOf(h hostSpec, o artifact.Options) fetch.Artifacts {
	o.Given = h.folders
	for prefix, to := range h.ArtifactRoots {
		o.Roots = append(o.Roots, rootOf(prefix, to))
	}
	o.Cloud, o.Followed = s.objectStores(), s.followed
	return artifact.New(o)
}

func isHTTP(uri string) bool {
	low := strings.ToLower(uri)
	return strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://")
}

// cleanURI is a URI without user info and query: what may be shown.
func cleanURI(uri string) string {
	uri = mlflow.Redact(uri)
	if isHTTP(uri) {
		uri, _, _ = strings.Cut(uri, "#")
		uri = strings.TrimRight(uri, "/")
	}
	return uri
}
