package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxPrepared is how many statements a session keeps; a batch asks some twenty
// different ones again and again.
const maxPrepared = 40

// A session is a connection of its own, with the statements that it keeps.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt // by their text; nil: none is kept
}

// sessions are those that nobody uses. Only a database file's are kept: there
// nobody between us and the data ends a connection.
type sessions struct {
	mu   sync.Mutex
	idle []*session
}

func (s *sessions) take() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	last := s.idle[n-1] // whose pages are the freshest
	s.idle = s.idle[:n-1]
	return last
}

func (s *sessions) give(back *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, back)
}

// begin starts a read transaction on a session that nobody else uses.
func (s *Store) begin(ctx context.Context) (*session, *sql.Tx, error) {
	own := s.sessions.take()
	if own == nil {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		own = &session{conn: conn}
		if s.dialect.prepares {
			own.prepared = map[string]*sql.Stmt{}
		}
	}
	tx, err := s.dialect.start(ctx, own.conn, s.limits)
	if err != nil {
		return nil, nil, errors.Join(err, own.close())
	}
	return own, tx, nil
}

// query runs a query in the transaction that the session is in.
func (s *session) query(ctx context.Context, tx *sql.Tx, query string, values []any) (*sql.Rows, error) {
	stmt := s.prepared[query]
	if stmt == nil && s.prepared != nil && len(s.prepared) < maxPrepared {
		var err error
		if stmt, err = s.conn.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
		s.prepared[query] = stmt
	}
	if stmt == nil {
		return tx.QueryContext(ctx, query, values...)
	}
	return stmt.QueryContext(ctx, values...)
}

func (s *session) close() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

// release gives a session back when its transaction has ended; after a fault
// it is not used again.
func (s *Store) release(own *session, fault error) error {
	if own.prepared != nil && fault == nil {
		s.sessions.give(own)
		return nil
	}
	err := own.close()
	if errors.Is(err, sql.ErrConnDone) {
		err = nil // ctx ended it
	}
	return err
}
