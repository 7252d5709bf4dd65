// Package find looks for MLflow's stores on disk: SQLite databases and
// `mlruns` folders. In goes a folder; out come paths of what may be a store,
// told by the first bytes of a file or by one meta.yaml. It never changes
// anything, follows no link into a folder, and reads a bounded number of
// entries; whether a database has MLflow's tables is for its caller to see.
package find
