package sink

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxPlace is how long the path of a run's model may become before it is
// written as one segment.
const maxPlace = 1000

// Places gives every object of a tree its place: a path with slashes whose
// segments follow Encode. Of segments in one folder that differ only by case
// or by Unicode normal form, the first that is asked for keeps the plain one,
// the others get `~` and 8 hex digits.
//
// So that places do not depend on chance: Claim first, then ask in byte order
// of names per host. It is safe for concurrent use.
type Places struct {
	defaultHost string

	mu    sync.Mutex
	fold  cases.Caser
	taken map[string]map[string]string // folder, folded segment: name
}

// NewPlaces makes an empty Places. Everything of a host other than defaultHost
// lies below `@<host>/`.
func NewPlaces(defaultHost string) *Places {
	return &Places{defaultHost: defaultHost, fold: cases.Fold(), taken: map[string]map[string]string{}}
}

// Claim gives the hosts and the `name:`s of a manifest their segments, all of
// which lie at the top of the tree, whichever host answers first.
func (p *Places) Claim(hosts, names []string) {
	for _, h := range slices.Sorted(slices.Values(hosts)) {
		p.host(h)
	}
	for _, n := range slices.Sorted(slices.Values(names)) {
		p.named(n)
	}
}

// Report is the place of a report: name, when the entry has one; else by what
// was resolved `<model>/<version>`, `runs/<id>/<path>`, `logged_models/<id>`.
// A location without a name has no place: mlflow.ErrInvalid. So has a ref that
// was not resolved.
func (p *Places) Report(host string, ref mlflow.Ref, name string) (string, error) {
	if name != "" {
		return p.named(name), nil
	}
	switch ref.Kind {
	case mlflow.VersionRef:
		return p.Version(host, ref.VersionID()), nil
	case mlflow.LoggedModelRef:
		return p.below(host, "logged_models", ref.ModelID), nil
	case mlflow.RunRef:
		return p.runPath(p.below(host, "runs", ref.RunID), ref.Path), nil
	case mlflow.LocationRef:
		return "", &mlflow.Error{
			Op: "placing " + ref.Location, Err: fmt.Errorf("a location has no name of its own: %w", mlflow.ErrInvalid),
			Hint: "give the entry a `name:`",
		}
	}
	return "", fmt.Errorf("placing %s: not resolved to a version: %w", ref, mlflow.ErrInvalid)
}

// Model is the place of a registered model: the folder of its versions.
func (p *Places) Model(host, model string) string {
	folder := p.host(host)
	return join(folder, p.segment(folder, model, isReserved(model)))
}

// Version is the place of a model version.
func (p *Places) Version(host string, id mlflow.VersionID) string {
	return p.Model(host, id.Model) + "/" + strconv.FormatInt(id.Version, 10)
}

// ID is the place of an object that has an id of its own, below a folder for
// its kind (`runs`, `experiments`).
func (p *Places) ID(host, kind, id string) string {
	folder := p.host(host)
	return join(folder, p.segment(join(folder, kind), id, isDevice(id)))
}

// below is like ID, but the folder for the kind is part of the place.
func (p *Places) below(host, kind, id string) string {
	folder := join(p.host(host), kind)
	return join(folder, p.segment(folder, id, isDevice(id)))
}

func (p *Places) named(name string) string { return p.segment("", name, isReserved(name)) }

func (p *Places) host(host string) string {
	if host == p.defaultHost {
		return ""
	}
	return p.segment("", "@"+host, false)
}

// runPath appends the path of a model below a run. Its folders may not be
// called like the files of a report, which lie in the same tree.
func (p *Places) runPath(place, path string) string {
	run := place
	for s := range strings.SplitSeq(path, "/") {
		file := slices.ContainsFunc([]string{reportName, modelName, filesFolder}, func(ours string) bool { return strings.EqualFold(s, ours) })
		place = join(place, p.segment(place, s, file || isDevice(s)))
		if len(place) > maxPlace {
			return join(run, p.segment(run, path, isDevice(path)))
		}
	}
	return place
}

// isReserved tells whether a name at the top of the tree must not stand as it
// is: it would mean something else, or a device.
func isReserved(name string) bool {
	return strings.EqualFold(name, "runs") || strings.EqualFold(name, "logged_models") || strings.HasPrefix(name, "@") || isDevice(name)
}

// segment gives a name its segment in a folder.
func (p *Places) segment(folder, name string, first bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, key := p.segmentOf(name, first)
	if p.take(folder, key, name) {
		return s
	}
	sum := hash(name)
	for n := twinHash; ; n += 4 { // a longer one only for names made to collide
		if n == cutHash {
			continue
		}
		twin := s + "~" + sum[:n]
		if n == len(sum) || p.take(folder, p.folded(twin), name) {
			return twin
		}
	}
}

// take notes that name gets the segment with this key, unless another has it.
func (p *Places) take(folder, key, name string) bool {
	if has, ok := p.taken[folder][key]; ok {
		return has == name
	}
	if p.taken[folder] == nil {
		p.taken[folder] = map[string]string{}
	}
	p.taken[folder][key] = name
	return true
}

func (p *Places) segmentOf(name string, first bool) (segment, key string) {
	segment = encode(name, first)
	if segment == name {
		segment = name // one copy in memory
	}
	return segment, p.folded(segment)
}

// folded is what two names have in common that some file system takes for one.
func (p *Places) folded(segment string) string {
	plain := true
	for i := range len(segment) {
		c := segment[i]
		plain = plain && c < 0x80 && (c < 'A' || c > 'Z')
	}
	if plain {
		return segment
	}
	return norm.NFC.String(p.fold.String(norm.NFD.String(segment)))
}

func join(folder, segment string) string {
	if folder == "" {
		return segment
	}
	return folder + "/" + segment
}
