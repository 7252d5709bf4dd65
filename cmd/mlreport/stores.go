package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/find"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A stock is a store and what it holds.
type stock struct {
	host  hostSpec
	name  string // how people are told of it: a path, or a server's address
	kind  string // database, folder or server
	depth int    // folders below the one that was searched
	fetch.Survey
	models, versions fetch.Count
	unregistered     fetch.Count // models that were logged but never registered; of a server only MLflow 3's logged models
	moved            string      // where its files were when it was written, if they are not there any more
	err              error       // why it cannot be read
}

// maxListed is how many models and versions are counted.
const maxListed = 10_000

// takeStock counts what an opened store holds.
func (s *session) takeStock(ctx context.Context, k stock, o *opened) stock {
	if k.err = o.Err; k.err != nil {
		return k
	}
	if sv, ok := o.Source.(fetch.Surveyor); ok {
		if k.Survey, k.err = sv.Survey(ctx); k.err != nil {
			return k
		}
	}
	for _, err := range o.Source.ListModels(ctx, fetch.Query{}) {
		if k.err = err; err != nil || !add(&k.models) {
			break
		}
	}
	w, err := wholeStore(ctx, o.Source, maxListed, o.Local)
	k.err = cmp.Or(k.err, err)
	k.versions = fetch.Count{N: w.versions, More: w.more && len(w.unregistered) == 0}
	k.unregistered = fetch.Count{N: len(w.unregistered), More: w.more}
	k.moved = movedFrom(k.ArtifactURI)
	return k
}

// add counts one more; false: that is enough.
func add(c *fetch.Count) bool {
	if c.N == maxListed {
		c.More = true
		return false
	}
	c.N++
	return true
}

// movedFrom is where a local store's files were, when they are not there.
func movedFrom(artifactURI string) string {
	path, ok := mlflow.LocalPath(artifactURI)
	if !ok || !filepath.IsAbs(path) && !mlflow.HasDrive(path) && !strings.HasPrefix(path, "//") {
		return ""
	}
	if _, err := os.Stat(path); err == nil {
		return ""
	}
	for _, part := range []string{"/mlruns/", "/mlartifacts/"} { // the store's folder says more than one run's
		if before, _, found := strings.Cut(path, part); found {
			return before + strings.TrimSuffix(part, "/")
		}
	}
	return path
}

// worth orders stores by what they hold: versions, models, runs, nothing.
func (k stock) worth() int {
	switch {
	case k.err != nil:
		return 0
	case k.versions.N > 0:
		return 5
	case k.unregistered.N > 0:
		return 4
	case k.Runs.N > 0:
		return 3
	case k.models.N > 0:
		return 2
	}
	return 1
}

// holds says in words what is in a store.
func (k stock) holds() string {
	switch {
	case k.err != nil:
		return harmless(k.err.Error())
	case k.worth() == 1:
		return "empty"
	}
	var out []string
	say := func(c fetch.Count, noun string) {
		if c.N > 0 {
			out = append(out, countOf(c, noun))
		}
	}
	say(k.versions, "version")
	say(k.unregistered, "unregistered model")
	say(k.Runs, "run")
	return join(out)
}

// countOf is a count with its noun: 1 run, 200 or more runs.
func countOf(c fetch.Count, noun string) string {
	word := strings.TrimLeft(counted(c.N, noun), "0123456789")
	return c.String() + word
}

// storesBelow looks for stores in a folder and takes stock of each. SQLite
// files of other programs are passed over.
func (s *session) storesBelow(ctx context.Context, dir string, o find.Options) ([]stock, find.Result, error) {
	found, err := find.Stores(ctx, dir, o)
	if err != nil {
		return nil, found, err
	}
	log := s.logger()
	var list []stock
	for _, c := range found.Candidates {
		k := stock{name: c.Path, kind: string(c.Kind), depth: c.Depth, host: s.hostAt(c)}
		if c.Kind == find.Pointer {
			k.kind = "database"
		}
		opened := s.openHost(ctx, k.host, log)
		k = s.takeStock(ctx, k, opened)
		opened.close(log)
		if ctx.Err() != nil {
			return list, found, ctx.Err()
		}
		if c.Kind == find.Database && isForeign(k.err) {
			continue
		}
		list = append(list, k)
	}
	return list, found, nil
}

// isForeign tells whether a database is not MLflow's.
func isForeign(err error) bool {
	return errors.Is(err, mlflow.ErrInvalid)
}

// hostAt is the host that a store on disk makes.
func (s *session) hostAt(c find.Candidate) hostSpec {
	uri := c.Path
	if c.Kind != find.Folder {
		uri = "sqlite:///" + filepath.ToSlash(c.Path)
	}
	return hostSpec{Host: manifest.Host{Name: "default", Tracking: uri, Source: cleanURI(uri)}}
}

// storeHere is the store that a command without a manifest reads: the one that
// the flags or the environment name, else the fullest in the current folder
// and one level below. all are the stores that were there to choose from.
func (s *session) storeHere(ctx context.Context, f storeFlags) (h hostSpec, all []stock, err error) {
	if f.TrackingURI != "" || s.get("MLFLOW_TRACKING_URI") != "" {
		h, err = s.defaultHost(f)
		return h, nil, err
	}
	all, _, err = s.storesBelow(ctx, ".", find.Options{Depth: 1, MaxEntries: 20_000})
	if err != nil {
		return h, nil, err
	}
	sortStores(all)
	if len(all) == 0 {
		return h, nil, &mlflow.Error{
			Err:  errUsage{errors.New("there is no store here: no database of MLflow and no mlruns folder in this folder or one level below, and MLFLOW_TRACKING_URI is not set")},
			Hint: "give one: mlreport --tracking-uri https://host, sqlite:///path/mlflow.db or path/mlruns; mlreport find DIR looks for stores",
		}
	}
	if all[0].err != nil {
		return h, all, all[0].err
	}
	h = all[0].host
	h.Registry = f.RegistryURI
	h.registryFrom = "--registry-uri"
	return h, all, nil
}

// sortStores puts the fullest store first, then the nearest, then the newest.
func sortStores(all []stock) {
	slices.SortStableFunc(all, func(a, b stock) int {
		return cmp.Or(b.worth()-a.worth(), a.depth-b.depth, cmp.Compare(b.NewestRun, a.NewestRun), strings.Compare(a.name, b.name))
	})
}

// sayChoice tells which of several stores is read.
func (s *session) sayChoice(all []stock) {
	if len(all) < 2 || s.cli.Quiet {
		return
	}
	fmt.Fprintf(s.Stderr, "%s is the fullest of %d stores here; --tracking-uri chooses another:\n", harmless(all[0].name), len(all))
	for _, k := range all {
		fmt.Fprintf(s.Stderr, "  %s: %s\n", harmless(k.name), k.holds())
	}
}

// when is a time of MLflow, in milliseconds, for people.
func when(ms int64) string {
	if ms <= 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04")
}

// number reads a whole number of MLflow; 0 when it is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
