// Package artifact reads artifact files: directly from local folders, and
// through a server for `mlflow-artifacts:` locations. It is the one place that
// decides whether a location that some store names may be followed.
//
// A location comes from data, so it is only ever a hint: files are opened below
// folders that the user named (the store's own folder, the values of
// `artifact-roots`), through os.Root, so that no link leads out of them. No
// host that only a location names is ever asked.
package artifact
