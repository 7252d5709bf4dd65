package sqlstore

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"
)

// The schemas in testdata.
const (
	mlflow130 = "1.30.1"
	mlflow222 = "2.22.1"
	mlflow317 = "3.17.2"
)

// A testDB is a database that a test fills.
type testDB struct {
	t    testing.TB
	path string
	db   *sql.DB
}

// newDB makes a database with the tables that a version of MLflow makes.
func newDB(t testing.TB, version string, options ...string) *testDB {
	t.Helper()
	return newDBAt(t, filepath.Join(t.TempDir(), "mlflow.db"), version, options...)
}

func newDBAt(t testing.TB, path, version string, options ...string) *testDB {
	t.Helper()
	d := &testDB{t: t, path: path, db: writer(t, path, options...)}
	schema, err := os.ReadFile(filepath.Join("testdata", "schema-"+version+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	d.exec("BEGIN;" + string(schema) + "COMMIT")
	return d
}

// writer opens a database for writing, as a server would, with one connection.
func writer(t testing.TB, path string, pragmas ...string) *sql.DB {
	t.Helper()
	c, err := sqlite.NewConnector("file://" + path + "?_pragma=" + strings.Join(append(pragmas, "busy_timeout(1)", "synchronous(off)"), "&_pragma="))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func (d *testDB) exec(statement string, values ...any) {
	d.t.Helper()
	if _, err := d.db.Exec(statement, values...); err != nil {
		d.t.Fatalf("%.200s: %v", statement, err)
	}
}

// add inserts a row: columns in one text, their values behind it.
func (d *testDB) add(table, columns string, values ...any) {
	d.t.Helper()
	names := strings.Fields(columns)
	d.exec(`INSERT INTO "`+table+`" ("`+strings.Join(names, `", "`)+`") VALUES (`+repeat("?", len(names))+")", values...)
}

// done closes the writer, so that nothing but the database is left.
func (d *testDB) done() *testDB {
	d.t.Helper()
	if err := d.db.Close(); err != nil {
		d.t.Fatal(err)
	}
	return d
}

// open opens the database with the reader under test.
func (d *testDB) open(o ...Options) *Store {
	d.t.Helper()
	var options Options
	if len(o) > 0 {
		options = o[0]
	}
	options.URI = "sqlite:///" + d.path
	s, err := Open(context.Background(), options)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { s.Close() })
	return s
}
