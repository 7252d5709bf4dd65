package artifact

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Options says what may be read. The zero value reads nothing.
type Options struct {
	// StoreDir is the folder of the store: the one that a database file lies
	// in, or the mlruns folder itself. "" when the store is a server.
	StoreDir string

	// FolderStore says that StoreDir is an mlruns folder: then `mlartifacts`
	// and `artifacts` are looked for beside it, not in it.
	FolderStore bool

	// Roots map locations to folders. The longest prefix wins, and a mapping
	// wins over everything else, even when the file is not there. A folder that
	// is not there itself is one that is not mounted: ErrUnavailable.
	Roots []Root

	// Given are model folders that the user named, which may lie anywhere. One
	// that is not there is looked for as any other location.
	Given []Root

	// Proxy reads `mlflow-artifacts:` and http locations through the store's
	// server; nil when there is none. It must not ask any other host.
	Proxy fetch.Artifacts

	// Serves tells which locations Proxy is asked for; nil: `mlflow-artifacts:`
	// and http.
	Serves func(fetch.Location) bool

	// Cloud reads locations of object stores: those that Roots and Given name,
	// and those of the schemes for which Followed is true.
	Cloud    fetch.Artifacts
	Followed func(scheme string) bool
}

// A Root says that what lies below Prefix is to be read below the folder Path.
// Locations that already are below Path may be read, too.
type Root struct {
	Prefix string // of locations, in any spelling, such as `mlflow-artifacts:/` or `file:///C:/Users/x/mlruns`
	Path   string // a folder of this machine: a plain path, nothing in it is decoded
	Bucket string // instead of Path: a location that Options.Cloud reads
}

// Artifacts reads the files of one store. It implements fetch.Artifacts.
type Artifacts struct {
	proxy  fetch.Artifacts
	serves func(fetch.Location) bool
	cloud  fetch.Artifacts
	mapped []mapping // longest prefix first
	given  []mapping
	known  []*folder // where a local location may lie as it is
	moved  []*folder // where files of a store that was moved may lie, in order of search
	local  bool      // the store lies on this machine
	follow func(scheme string) bool
}

// New makes a reader. Close gives back the folders it holds open.
func New(o Options) *Artifacts {
	a := &Artifacts{
		proxy: o.Proxy, serves: o.Serves, cloud: o.Cloud, follow: o.Followed, local: o.StoreDir != "",
	}
	a.mapped, a.given = a.mappings(o.Roots), a.mappings(o.Given)
	for _, m := range a.mapped {
		if m.folder != nil {
			m.folder.mounted = true
		}
	}
	slices.SortStableFunc(a.mapped, func(x, y mapping) int { return len(y.prefix.segs) - len(x.prefix.segs) })
	if a.local {
		store := newFolder(o.StoreDir)
		beside := store
		if o.FolderStore {
			beside = newFolder(filepath.Dir(store.path))
		}
		a.known = append(a.known, store)
		a.moved = append(a.moved, store)
		for _, name := range []string{"mlruns", "mlartifacts", "artifacts"} {
			a.moved = append(a.moved, beside.sub(name))
		}
	}
	return a
}

// mappings reads roots; their folders may be read.
func (a *Artifacts) mappings(roots []Root) []mapping {
	var list []mapping
	for _, r := range roots {
		m := mapping{bucket: r.Bucket}
		switch {
		case r.Path != "":
			m.folder = newFolder(r.Path)
			a.known = append(a.known, m.folder)
		case r.Bucket == "":
			continue
		}
		for _, m.prefix = range spellings(r.Prefix) {
			list = append(list, m)
		}
	}
	return list
}

// Close closes the folders that are held open; the reader must not be used again.
func (a *Artifacts) Close() error {
	var errs []error
	for _, f := range slices.Concat(a.known, a.moved) {
		for ; f != nil; f = f.parent {
			errs = append(errs, f.close())
		}
	}
	return errors.Join(errs...)
}

// ReadFile reads one file; see fetch.Artifacts.
func (a *Artifacts) ReadFile(ctx context.Context, at fetch.Location, path string, limit int64, since fetch.Stamp) (fetch.File, error) {
	places, ask, err := a.places(at, path)
	if err != nil {
		return fetch.File{}, a.failed("reading", at, path, err)
	}
	if ask != nil {
		return ask.from.ReadFile(ctx, ask.at, path, limit, since)
	}
	var last error
	for _, p := range places {
		if err := ctx.Err(); err != nil {
			return fetch.File{}, err
		}
		f, err := p.read(path, limit, since)
		if err == nil {
			if p.moved {
				f.RelocatedFrom = at.URI
			}
			return f, nil
		}
		last = worse(last, err)
	}
	return fetch.File{}, a.failed("reading", at, path, a.explain(at, last))
}

// List lists a folder; see fetch.Artifacts. Paths are below the listed folder.
// A link that leads nowhere, or out of the folders that may be read, is listed
// by its name, without size; so is what is neither file nor folder.
func (a *Artifacts) List(ctx context.Context, at fetch.Location, path string, depth int) iter.Seq2[mlflow.FileInfo, error] {
	return func(yield func(mlflow.FileInfo, error) bool) {
		places, ask, err := a.places(at, path)
		if err != nil {
			yield(mlflow.FileInfo{}, a.failed("listing", at, path, err))
			return
		}
		if ask != nil {
			ask.from.List(ctx, ask.at, path, depth)(yield)
			return
		}
		p, err := a.choose(places, path)
		if err != nil {
			yield(mlflow.FileInfo{}, a.failed("listing", at, path, a.explain(at, err)))
			return
		}
		l := listing{folder: p.folder, yield: yield}
		if err := l.walk(ctx, join(p.rel, path), "", depth); err != nil {
			yield(mlflow.FileInfo{}, a.failed("listing", at, path, err))
		}
	}
}

// choose picks the first place with something in it: a store may hold an empty
// folder where the files once were meant to be.
func (a *Artifacts) choose(places []place, path string) (place, error) {
	var found []place
	var last error
	for _, p := range places {
		empty, err := p.folder.isEmpty(join(p.rel, path))
		if err == nil && !empty {
			return p, nil
		}
		if err == nil {
			found = append(found, p)
		}
		last = worse(last, err)
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return place{}, last
}

// worse keeps the error that says more than that nothing is there.
func worse(last, err error) error {
	if last == nil || errors.Is(last, mlflow.ErrNotFound) && err != nil {
		return err
	}
	return last
}

// explain says why a file was not found: it may lie where it must not be read.
func (a *Artifacts) explain(at fetch.Location, err error) error {
	if err != nil && !errors.Is(err, mlflow.ErrNotFound) {
		return err
	}
	w := spellings(at.URI)
	switch {
	case placesIn(a.mapped, w) != nil || placesIn(a.given, w) != nil:
		return err
	case !a.isKnown(w) && exists(w):
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrOutside, "it lies outside of the store's folder and of every artifact root"), Hint: hintToMap(w[0], at.Owner, false)}
	case w[0].local && !a.local:
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnsupported, "it is a folder of another machine, and no artifact root covers it"), Hint: hintToMap(w[0], at.Owner, true)}
	}
	return &mlflow.Error{Err: notFound("there is no such file, and none beside the store"), Hint: hintToMap(w[0], at.Owner, true)}
}

// isKnown tells whether a local location is in a folder that may be read.
func (a *Artifacts) isKnown(spelled []where) bool {
	return spelled[0].local && slices.ContainsFunc(spelled, func(w where) bool { return len(a.asItIs(w)) > 0 })
}

// exists tells whether a local location is there, wherever that is. Shares of
// other hosts are not asked.
func exists(spelled []where) bool {
	for _, w := range spelled {
		path := filepath.FromSlash(w.anchor + filepath.Join(w.segs...))
		if !w.local || w.anchor == share || !filepath.IsAbs(path) {
			continue
		}
		if _, err := os.Lstat(path); err == nil {
			return true
		}
	}
	return false
}

func (a *Artifacts) failed(doing string, at fetch.Location, path string, err error) error {
	uri := mlflow.Redact(at.URI)
	if path != "" {
		uri += "/" + path
	}
	return &mlflow.Error{Op: doing + " " + uri, Err: err}
}

func notFound(what string) error { return mlflow.Reason(mlflow.ErrNotFound, "%s", what) }

// classify wraps what the system said in the right sentinel.
func classify(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // without the path, which repeats what the caller says
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNoName(err):
		return mlflow.Reason(mlflow.ErrNotFound, "%v", err)
	case errors.Is(err, fs.ErrPermission):
		return mlflow.Reason(mlflow.ErrDenied, "%v", err)
	case err.Error() == "path escapes from parent": // os has no name for it
		return &mlflow.Error{
			Err:  mlflow.Reason(mlflow.ErrOutside, "a link leads out of the folder"),
			Hint: "name the folder that the link leads to in artifact-roots",
		}
	}
	return mlflow.Reason(mlflow.ErrUnavailable, "%v", err)
}
