package artifact

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A place is where the folder of a location may be.
type place struct {
	folder *folder
	rel    string
	moved  bool   // found beside the store, not where the location says
	bucket string // instead of folder: the location in an object store
}

// A mapping is one spelling of a Root.
type mapping struct {
	prefix where
	folder *folder
	bucket string // instead of folder
}

// An other is who reads a location that is not of this machine.
type other struct {
	from fetch.Artifacts
	at   fetch.Location
}

// places lists where a location may be, in the order in which they are tried,
// or who is to be asked instead. sub is what is to be read below it.
func (a *Artifacts) places(at fetch.Location, sub string) (list []place, ask *other, err error) {
	if sub != "" && !filepath.IsLocal(filepath.FromSlash(sub)) {
		return nil, nil, mlflow.Reason(mlflow.ErrOutside, "the path leads out of the folder")
	}
	spelled := spellings(at.URI)
	if len(spelled) == 0 {
		return nil, nil, notFound("this cannot be the location of a file")
	}
	if list := placesIn(a.mapped, spelled); list != nil {
		if uri := list[0].bucket; uri != "" {
			return nil, &other{a.cloud, fetch.Location{URI: uri, Owner: at.Owner}}, nil
		}
		return list, nil, nil
	}
	list = placesIn(a.given, spelled)
	switch {
	case list != nil && list[0].bucket != "":
		return nil, &other{a.cloud, at}, nil
	case list == nil && a.serves != nil && a.serves(at):
		return nil, &other{a.proxy, at}, nil
	case spelled[0].local:
		for _, w := range spelled {
			list = append(list, a.asItIs(w)...)
		}
	case a.proxy != nil && a.serves == nil && throughServer(spelled[0].scheme):
		return nil, &other{a.proxy, at}, nil
	case mlflow.IsObjectStore(spelled[0].scheme) && a.follow != nil && a.follow(spelled[0].scheme):
		return nil, &other{a.cloud, at}, nil
	case spelled[0].scheme != "mlflow-artifacts" || !a.local:
		return nil, nil, unsupported(spelled[0], at.Owner)
	}
	for _, w := range spelled {
		list = append(list, a.relocated(w, at.Owner)...)
	}
	return list, nil, nil
}

// throughServer tells what a server may have: its proxy knows whether it is
// the host that the location names.
func throughServer(scheme string) bool {
	return scheme == "mlflow-artifacts" || scheme == "http" || scheme == "https"
}

// placesIn lists the places below the longest prefix that fits.
func placesIn(mapped []mapping, spelled []where) []place {
	longest := -1
	var list []place
	for _, m := range mapped {
		for _, w := range spelled {
			if rel, ok := w.below(m.prefix); ok && (longest < 0 || len(m.prefix.segs) == longest) {
				longest = len(m.prefix.segs)
				list = append(list, m.place(rel))
			}
		}
	}
	return list
}

// place is what lies at rel below a mapping.
func (m mapping) place(rel string) place {
	if m.bucket == "" {
		return place{folder: m.folder, rel: rel}
	}
	return place{bucket: strings.TrimRight(m.bucket, "/") + "/" + rel}
}

// asItIs lists the known folders that a local location is in.
func (a *Artifacts) asItIs(w where) []place {
	var list []place
	for _, f := range a.known {
		for _, in := range f.spelled {
			if rel, ok := w.below(in); ok {
				list = append(list, place{folder: f, rel: rel})
			}
		}
	}
	if w.anchor != "" || !a.local {
		return list
	}
	// Relative paths are relative to where MLflow ran: beside the database, or
	// where it made its mlruns folder.
	store := a.moved[0]
	list = append(list, place{folder: store, rel: path.Join(w.segs...)})
	if len(w.segs) > 0 && sameName(w.segs[0], filepath.Base(store.path)) {
		list = append(list, place{folder: store, rel: path.Join(w.segs[1:]...)})
	}
	return list
}

// relocated lists where a location may be after the store was moved: below the
// folders beside it, each tail of the path that still names its owner.
func (a *Artifacts) relocated(w where, owner []string) []place {
	last := -1
	for i, s := range w.segs {
		if slices.Contains(owner, s) {
			last = i
		}
	}
	var list []place
	for i := 0; i <= last; i++ {
		rel := path.Join(w.segs[i:]...)
		for _, f := range a.moved {
			list = append(list, place{folder: f, rel: rel, moved: true})
		}
	}
	return list
}

func unsupported(w where, owner []string) error {
	e := &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnsupported, "locations of the kind %s: are not served here", w.scheme)}
	if mlflow.IsObjectStore(w.scheme) {
		e.Err = mlflow.Reason(mlflow.ErrUnsupported, "nobody is logged in to its store")
		e.Hint = fmt.Sprintf("to let it be read, log in as its vendor's tools do, or add to the host: artifact-roots: {%[1]q: %[1]q}; a folder may stand there, too", mlflow.Redact(strings.TrimSuffix(w.anchor, "/")))
		return e
	}
	if w.scheme != "runs" && w.scheme != "models" {
		e.Hint = hintToMap(w, owner, true)
	}
	return e
}

// hintToMap is the line of a manifest that lets a location be read. moved says
// that its files are known to be in another place.
func hintToMap(w where, owner []string, moved bool) string {
	segs := w.segs
	if i := slices.IndexFunc(segs, func(s string) bool { return slices.Contains(owner, s) }); i > 0 {
		segs = segs[:i-1] // without the experiment
		if len(segs) > 0 && w.segs[i-1] == "models" {
			segs = segs[:len(segs)-1]
		}
	}
	prefix := mlflow.Redact(strings.TrimSuffix(w.anchor, "//") + strings.Join(segs, "/"))
	if moved {
		return fmt.Sprintf("if its files are on this machine, tell the host where: artifact-roots: {%q: FOLDER}", prefix)
	}
	return fmt.Sprintf("to let it be read, add to the host: artifact-roots: {%q: %q}", prefix, prefix)
}
