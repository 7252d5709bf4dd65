// Package enrich makes MLflow's objects readable: it adds attributes that begin
// with an underscore (formatted times, durations, names, links, download URIs),
// turns lists of tags into objects, explodes text that holds a JSON object or
// array, and puts in order what MLflow leaves unordered.
//
// In goes a Bundle as it was fetched, out comes another; the input is never
// changed, because bundles share objects. Nothing is read, no clock is asked,
// and equal input gives equal output.
//
// There are two formats. The default one keeps every scalar as it was
// received. The other, Options.Compat, is that of the seed tool: it gives what
// that tool gave, its conversions of ids and versions included, except that the
// result is always valid JSON.
package enrich
