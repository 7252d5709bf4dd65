package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// refuse is an error for people: one line, and what to do.
func refuse(kind error, text, hint string) error {
	return &mlflow.Error{Err: mlflow.Reason(kind, "%s", text), Hint: hint}
}

// fault says in our words what went wrong in the database.
func fault(path string, err error) error {
	var told *mlflow.Error
	var e *sqlite.Error
	switch {
	case err == nil || errors.As(err, &told) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, mlflow.ErrTooLarge) || errors.Is(err, mlflow.ErrUnsupported):
		return err
	case !errors.As(err, &e):
		if told := serverFault(path, err); told != nil {
			return told
		}
		return mlflow.Mark(mlflow.ErrUnavailable, fmt.Errorf("reading the database %s: %w", path, err))
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return notADatabase(path)
	case sqlite3.SQLITE_TOOBIG:
		return mlflow.Reason(mlflow.ErrTooLarge, "a value in the database %s is too large to be read", path)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return refuse(mlflow.ErrUnavailable, "the database "+path+" was locked by a program that writes to it",
			"run it again when that program has finished, or read a copy of the database")
	case sqlite3.SQLITE_CORRUPT:
		return refuse(mlflow.ErrUnavailable, "the database "+path+" is damaged: "+e.Error(),
			"restore it from a backup, or save what can be read with `sqlite3 "+path+" .recover`")
	}
	return mlflow.Mark(mlflow.ErrUnavailable, fmt.Errorf("reading the database %s: %w", path, err))
}

// mustCopy tells whether SQLite would have had to write in order to read:
// there is a journal to roll back (776), or a file beside the database that
// may not be written.
func mustCopy(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_READONLY || code == sqlite3.SQLITE_CANTOPEN
}
