package sqlstore

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// pathOf is the file that a SQLite URI names, as SQLAlchemy reads it:
// `sqlite:///relative`, `sqlite:////absolute`, `sqlite:///C:/x`, a driver as in
// `sqlite+pysqlite:`, and a query, which is passed over. Nothing in it is
// percent-decoded.
func pathOf(uri string) (string, error) {
	scheme, rest, _ := strings.Cut(uri, ":")
	kind, _, _ := strings.Cut(scheme, "+")
	if !strings.EqualFold(kind, "sqlite") {
		return "", refuse(mlflow.ErrInvalid, "not the URI of a SQLite database: "+mlflow.Redact(uri), "write sqlite:///path/to/mlflow.db")
	}
	path, ok := strings.CutPrefix(rest, "///")
	if before, _, found := strings.Cut(path, "?"); found {
		if _, err := os.Stat(path); err != nil { // a name may hold a question mark
			path = before
		}
	}
	if !ok || path == "" || path == ":memory:" {
		return "", refuse(mlflow.ErrInvalid, "the URI "+mlflow.Redact(uri)+" names no file",
			"write sqlite:///path/to/mlflow.db, with a fourth slash for an absolute path")
	}
	return filepath.FromSlash(path), nil
}
