package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Away tells whether a database server went away and did not come back: the
// last that was heard of it is that nobody is there. A file never is.
func (s *Store) Away() bool { return s.away.Load() }

// fault is the package's fault about this database; it notes whether the
// server was there. Neither who stopped waiting nor a transaction that ended
// with its connection has heard anything new of it.
func (s *Store) fault(err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, sql.ErrTxDone) {
		s.away.Store(s.dir == "" && isAway(err))
	}
	return fault(s.path, err)
}

// isAway tells errors of a server that is not there, or that is about to go,
// from those of one that answers.
func isAway(err error) bool {
	if n, ok := mysqlNumber(err); ok {
		return slices.Contains([]uint16{1053, 1927}, n) // it is being shut down; the connection was killed
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57P") // it is being shut down, or starts
	}
	var connect *pgconn.ConnectError
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &connect) || errors.As(err, &op) || errors.As(err, &dns) || isCutOff(err)
}
