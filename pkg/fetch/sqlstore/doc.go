// Package sqlstore reads MLflow's own database: what comes in is the address
// of a database (SQLite, PostgreSQL, MySQL) and keys of objects, what comes
// out are the objects as the MLflow server of that database answers them with
// its `get` calls, member by member. It implements fetch.Source and
// fetch.Snapshotter.
//
// It never changes the database: of SQLite neither the file nor its -wal and
// -journal, and no file beside them appears or stays (see place.go); servers
// are read in read-only transactions (see server.go). It serves schemas from
// MLflow 1.30 to 3.17 by looking at the tables and columns that are there, needs a fixed number of queries for any number of keys up to
// maxKeys, and never holds a transaction while the caller works on a listing.
//
// Where a server gives a list in no order, the order here is that of keys.
package sqlstore
