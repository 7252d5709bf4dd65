package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Options say which database is read. The zero value names none.
type Options struct {
	// URI is sqlite:///relative or sqlite:////absolute (sqlite:///C:/x), relative
	// to the current folder; or postgresql://user:password@host:5432/database or
	// mysql://..., with a driver or not, as SQLAlchemy spells them.
	URI       string
	Workspace string           // of a database that holds several (MLflow 3); "" is `default`, as in MLflow
	TempDir   string           // where a private copy is made if one is needed; "" is the system's
	Log       *slog.Logger     // debug only; nil: no log
	Now       func() time.Time // default time.Now

	// Of database servers.
	User, Password   string        // where the URI has none
	OwnEnvironment   bool          // PGPASSWORD is meant for this server
	Connections      int           // at most at once; 0 means 4
	ConnectTimeout   time.Duration // 0 means 10 s
	StatementTimeout time.Duration // of one query; 0 means 5 min
}

// A Store is an open database. It is safe for concurrent use; each call, and
// each page of a listing, reads as of one moment: where a private copy had to
// be made, as of Open.
type Store struct {
	path      string // of the file, or the address of the server without login: for people
	dir       string // of the file; "" of a server
	workspace string
	tempDir   string
	log       *slog.Logger
	limits    limits
	dialect   dialect
	db        *sql.DB
	sessions  sessions
	schema    schema
	now       func() time.Time
	away      atomic.Bool // of a server: the last call found nobody there
	copied    string      // folder of the private copy, or ""
	file      *os.File    // the database that is read in place, for State; nil: none
}

// limits are what is read of a database that nobody trusts, in bytes.
type limits struct {
	value  int // of one text; what is longer is mlflow.ErrTooLarge
	answer int // of what maxKeys objects bring; above, half of them are asked for

	statement time.Duration // of one query of a server
}

// Open opens a database and looks at its tables. Its errors are for people:
// each says in one line what is wrong with the file, with a hint, and wraps
// mlflow.ErrNotFound, ErrDenied, ErrInvalid (it is no database of MLflow),
// ErrUnsupported (its schema is too old) or ErrUnavailable.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{workspace: o.Workspace, tempDir: o.TempDir, log: o.Log, now: o.Now, limits: limits{value: 64 << 20, answer: 64 << 20}}
	if s.workspace == "" {
		s.workspace = "default"
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	open := s.openFile
	if isServer(o.URI) {
		open = s.openServer
	}
	if err := open(ctx, o); err != nil {
		return nil, err
	}
	err := s.schema.check(s.path, s.dialect)
	if err == nil {
		err = s.checkWorkspace()
	}
	if err != nil {
		_ = s.Close() // nothing was written
		return nil, err
	}
	return s, nil
}

// checkWorkspace refuses what would show all that there is as the workspace's:
// databases older than MLflow 3's workspaces.
func (s *Store) checkWorkspace() error {
	if s.workspace == "default" || s.schema.hasColumn("registered_models", "workspace") {
		return nil
	}
	return refuse(mlflow.ErrUnsupported, fmt.Sprintf("the database %s has no workspaces, and workspace %q was asked for", s.path, s.workspace), "leave out `workspace:` of the host in the manifest")
}

// Dir is the folder of the database: artifacts of a store that was moved lie
// below it. A server has none: "".
func (s *Store) Dir() string { return s.dir }

// Close ends all reading and removes the private copy, if there is one.
func (s *Store) Close() error {
	for own := s.sessions.take(); own != nil; own = s.sessions.take() {
		s.ended(own.close())
	}
	err := s.db.Close()
	if s.file != nil { // after db: closing it takes locks of the POSIX kind away
		_ = s.file.Close() // it was only read
	}
	if s.copied != "" {
		if gone := os.RemoveAll(s.copied); err == nil {
			err = gone
		}
	}
	return err
}

// Snapshot starts a read transaction: the Reader shows the store as of its
// first read. It ends with the func, or with ctx; until then, programs that
// use a rollback journal (SQLite) wait with their writes.
func (s *Store) Snapshot(ctx context.Context) (fetch.Reader, func() error, error) {
	r, err := s.snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	return r, r.end, nil
}

func (s *Store) snapshot(ctx context.Context) (*reader, error) {
	own, tx, err := s.begin(ctx)
	if err != nil {
		return nil, s.fault(err)
	}
	return &reader{store: s, own: own, tx: tx, turn: make(chan struct{}, 1)}, nil
}

// Models implements fetch.Reader.
func (s *Store) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	return once(ctx, s, names, (*reader).Models)
}

// Versions implements fetch.Reader; the versions have their aliases.
func (s *Store) Versions(ctx context.Context, ids []mlflow.VersionID) (fetch.Results[mlflow.VersionID, fetch.Version], error) {
	return once(ctx, s, ids, (*reader).Versions)
}

// Runs implements fetch.Reader.
func (s *Store) Runs(ctx context.Context, ids, _ []string) (fetch.Results[string, mlflow.Run], error) {
	return once(ctx, s, ids, (*reader).readRuns)
}

// LoggedModels implements fetch.Reader.
func (s *Store) LoggedModels(ctx context.Context, ids, _ []string) (fetch.Results[string, mlflow.LoggedModel], error) {
	return once(ctx, s, ids, (*reader).readLoggedModels)
}

// Experiments implements fetch.Reader.
func (s *Store) Experiments(ctx context.Context, ids []string) (fetch.Results[string, mlflow.Experiment], error) {
	return once(ctx, s, ids, (*reader).Experiments)
}

// once reads in a transaction of its own.
func once[K comparable, V any](ctx context.Context, s *Store, keys []K, read func(*reader, context.Context, []K) (fetch.Results[K, V], error)) (fetch.Results[K, V], error) {
	r, err := s.snapshot(ctx)
	if err == nil {
		out, err := read(r, ctx, keys)
		s.ended(r.end())
		return out, err
	}
	out := make(fetch.Results[K, V], len(keys))
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	for _, k := range keys {
		out[k] = fetch.Result[V]{Err: err}
	}
	return out, nil
}

// ended notes that a transaction did not end well: what it read is right.
func (s *Store) ended(err error) {
	if err != nil {
		s.log.Debug("ending a snapshot", "err", err)
	}
}
