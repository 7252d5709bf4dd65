// Package fetch turns refs into bundles, many at a time. It owns the
// interfaces that stores implement (Reader, Source, Artifacts), and the plan
// that keeps the number of requests at distinct objects over batch size.
//
// It imports no backend; the backends (rest, sqlstore, filestore, artifact)
// import it.
package fetch
