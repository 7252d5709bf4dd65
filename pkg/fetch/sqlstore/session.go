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

// sessions are those of one store. Only a database file's are kept: there
// nobody between us and the data ends a connection. Nor are there more of them
// than processors: each has its own copy of the pages that it reads. Whoever
// wants one while all are in use waits; nobody who has one waits for another.
type sessions struct {
	turns chan struct{} // holds those in use; nil: any number
	mu    sync.Mutex
	idle  []*session
}

// limit makes n the most that there are at a time.
func (s *sessions) limit(n int) { s.turns = make(chan struct{}, n) }

// enter waits for a turn.
func (s *sessions) enter(ctx context.Context) error {
	if s.turns == nil {
		return nil
	}
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sessions) leave() {
	if s.turns != nil {
		<-s.turns
	}
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

// begin starts a read transaction on a session that nobody else uses; release
// ends its use.
func (s *Store) begin(ctx context.Context) (own *session, tx *sql.Tx, err error) {
	if err := s.sessions.enter(ctx); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			s.sessions.leave()
		}
	}()
	own = s.sessions.take()
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
	if tx, err = s.dialect.start(ctx, own.conn, s.limits); err != nil {
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
	defer s.sessions.leave()
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
