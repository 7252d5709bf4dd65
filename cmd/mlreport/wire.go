package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/fetch/filestore"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/fetch/sqlstore"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A store is one opened place where MLflow objects are.
type store struct {
	source    fetch.Source
	artifacts fetch.Artifacts
	client    *rest.Client // of a server
	close     func() error
}

// openHost opens what a host of the manifest names. What is wrong with one
// host is kept in it, so that the others can do their work.
func (s *session) openHost(ctx context.Context, h hostSpec, log *slog.Logger) (batch.Host, *store, func()) {
	out := batch.Host{Name: h.Name, Tracking: h.Source, UI: h.UI, Workspace: h.Workspace}
	tracking, err := s.openStore(ctx, h.Tracking, h, log)
	if err != nil {
		out.Err = err
		return out, nil, func() {}
	}
	closeAll := func() { closeStore(tracking, log) }
	out.Source, out.Artifacts, out.Local = tracking.source, tracking.artifacts, tracking.client == nil
	if c := tracking.client; c != nil {
		out.Answered = func() bool { st := c.Stats(); return st.Requests == 0 || len(st.Statuses) > 0 }
	}
	if h.Registry != "" && h.Registry != h.Tracking {
		registry, err := s.openStore(ctx, h.Registry, h, log)
		if err != nil {
			closeAll()
			out.Err = err
			return out, nil, func() {}
		}
		closeAll = func() { closeStore(tracking, log); closeStore(registry, log) }
		out.Source = fetch.Pair{Registry: registry.source, Tracking: tracking.source}
		if isHTTP(h.Registry) {
			out.Registry = cleanURI(h.Registry)
		}
	}
	if out.UI == "" && isHTTP(h.Tracking) {
		out.UI = cleanURI(h.Tracking)
	}
	out.UI = strings.TrimRight(out.UI, "/")
	return out, tracking, closeAll
}

func closeStore(st *store, log *slog.Logger) {
	if st.close == nil {
		return
	}
	if err := st.close(); err != nil {
		log.Warn("closing a store", "err", err)
	}
}

// openStore opens a tracking or registry URI as MLflow spells them.
func (s *session) openStore(ctx context.Context, uri string, h hostSpec, log *slog.Logger) (*store, error) {
	scheme, _, _ := strings.Cut(uri, ":")
	switch dialect, _, _ := strings.Cut(strings.ToLower(scheme), "+"); {
	case isHTTP(uri):
		return s.openServer(uri, h, log)
	case dialect == "sqlite" && strings.Contains(uri, "://"):
		return openDatabase(ctx, uri, h, log)
	case strings.Contains(uri, "://") && (dialect == "postgresql" || dialect == "postgres" || dialect == "mysql" || dialect == "mssql" || dialect == "oracle"):
		return nil, notServed(dialect+" databases cannot be read directly by this version", "give the http address of the MLflow server in front of it")
	case dialect == "databricks" || dialect == "databricks-uc" || dialect == "uc":
		return nil, notServed("Databricks and Unity Catalog cannot be read by this version", "only MLflow servers, SQLite databases and mlruns folders can")
	case strings.Contains(uri, "://") && dialect != "file":
		return nil, notServed(fmt.Sprintf("no store has addresses like %q", cleanURI(uri)), "give http(s)://..., sqlite:///path/mlflow.db, or the path of an mlruns folder")
	}
	return s.openPath(ctx, uri, h, log)
}

func notServed(what, hint string) error {
	return &mlflow.Error{Err: fmt.Errorf("%s: %w", what, mlflow.ErrUnsupported), Hint: hint}
}

func openDatabase(ctx context.Context, uri string, h hostSpec, log *slog.Logger) (*store, error) {
	db, err := sqlstore.Open(ctx, sqlstore.Options{URI: uri, Workspace: h.Workspace, Log: log})
	if err != nil {
		return nil, err
	}
	return &store{source: db, artifacts: artifactsOf(h, artifact.Options{StoreDir: db.Dir()}), close: db.Close}, nil
}

// openPath opens a path or file: URI: a database file, or an mlruns folder.
func (s *session) openPath(ctx context.Context, uri string, h hostSpec, log *slog.Logger) (*store, error) {
	path, ok := mlflow.LocalPath(uri)
	if !ok {
		return nil, notServed(fmt.Sprintf("%q is not a path on this machine", cleanURI(uri)), "")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &mlflow.Error{Err: fmt.Errorf("there is no store at %s: %w", path, mlflow.ErrNotFound), Hint: "give the address of a server, sqlite:///path/mlflow.db, or the path of an mlruns folder"}
	}
	if err == nil && info.Mode().IsRegular() {
		return openDatabase(ctx, "sqlite:///"+filepath.ToSlash(path), h, log)
	}
	folder, err := filestore.Open(ctx, filestore.Options{Dir: path, Log: log})
	if err != nil {
		return nil, err
	}
	return &store{source: folder, artifacts: artifactsOf(h, artifact.Options{StoreDir: folder.Dir(), FolderStore: true}), close: folder.Close}, nil
}

// artifactsOf adds the folders that the user named to where artifacts are read.
func artifactsOf(h hostSpec, o artifact.Options) fetch.Artifacts {
	for _, f := range h.folders {
		o.Roots = append(o.Roots, artifact.Root{Prefix: f.location, Path: f.path})
	}
	for prefix, path := range h.ArtifactRoots {
		o.Roots = append(o.Roots, artifact.Root{Prefix: prefix, Path: path})
	}
	return artifact.New(o)
}

func isHTTP(uri string) bool {
	low := strings.ToLower(uri)
	return strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://")
}

// cleanURI takes user info, query and fragment out of a URI: what may be shown.
func cleanURI(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Host == "" && u.User == nil && u.RawQuery == "" {
		return uri
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimRight(u.String(), "/")
}
