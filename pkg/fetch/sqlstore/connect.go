package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
)

// openFile opens a SQLite database.
func (s *Store) openFile(ctx context.Context, o Options) error {
	path, err := pathOf(o.URI)
	if err != nil {
		return err
	}
	p, err := inspect(path)
	if err != nil {
		return err
	}
	s.path, s.dir, s.dialect = path, filepath.Dir(path), sqliteDialect()
	return s.connect(ctx, p)
}

// connect opens the database where it lies or, where that would leave a trace
// or is impossible, a copy of it.
func (s *Store) connect(ctx context.Context, p place) error {
	if !p.needsCopy() {
		err := s.open(ctx, p.path, "ro")
		if err == nil {
			s.file, _ = os.Open(p.path) // without it, State says nothing
		}
		if !mustCopy(err) {
			return fault(s.path, err)
		}
		s.log.Debug("the database cannot be read in place", "path", s.path, "err", err)
	}
	dir, err := privateCopy(ctx, p.path, s.tempDir)
	if err != nil {
		return err
	}
	s.log.Debug("reading a private copy of the database", "path", s.path, "copy", dir)
	// The copy is ours: SQLite may roll its journal back and merge its log.
	if err := s.open(ctx, filepath.Join(dir, filepath.Base(p.path)), "rw"); err != nil {
		return errors.Join(fault(s.path, err), os.RemoveAll(dir))
	}
	s.copied = dir
	return nil
}

// open connects to one file and looks at its tables.
func (s *Store) open(ctx context.Context, path, mode string) error {
	// Locks of the POSIX kind are lost when any part of the process opens and
	// closes the file, as inspect does. Where there are none of the other
	// kind, or it is too late, nothing changes.
	_, _ = sqlite.OFDLocking(true)
	connector, err := sqlite.NewConnector(dataSource(path, mode))
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	// One connection always stays: while it is there, no program that uses a
	// write-ahead log takes the -wal away, which a new one would make again.
	db.SetMaxIdleConns(8)
	s.sessions.limit(max(2, runtime.GOMAXPROCS(0)))
	found, err := probe(ctx, db, s.dialect)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.db, s.schema = db, found
	return nil
}

// dataSource is the driver's address of a file. Nothing of the database is
// trusted: neither functions in its schema nor its pages; and what sorting
// needs stays in memory.
func dataSource(path, mode string) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // C:/x
	}
	q := url.Values{
		"mode":          {mode},
		"_busy_timeout": {"10000"},
		"_query_only":   {"1"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_error_rc":     {"1"},
		"_pragma":       {"trusted_schema(0)", "cell_size_check(1)", "temp_store(2)", "mmap_size(0)", "cache_size(-1024)"},
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}
