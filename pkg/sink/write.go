package sink

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// A Report is all that a tree holds of one object.
type Report struct {
	Place    string                 // as Places gave it
	JSON     []byte                 // of report.json: an object whose members are the sections
	Sections []string               // of JSON, in its order, see report.Sections; nil: they are read off it
	MLmodel  []byte                 // byte for byte; nil when it could not be read
	Issues   []mlflow.Issue         // why sections are missing
	Objects  []ObjectFile           // with `objects: true`
	Files    []StagedFile           // copies of files, staged for this place
	Wants    func(path string) bool // whether a file is wanted as a copy, by its path in the store; nil: none is
	Unasked  []string               // sections that are not missing, because nobody wants them

	// Markdown asks for report.md, which says for people what report.json holds.
	Markdown bool
}

// Change says what became of a report's files.
type Change string

// The changes.
const (
	New       Change = "new"
	Changed   Change = "changed"
	Unchanged Change = "unchanged"
	Stale     Change = "stale" // what an earlier batch wrote was kept: it says more
)

// Written says what lies at a place now.
type Written struct {
	Change   Change
	Files    []report.FileRef // by path
	Sections []string         // of report.json, in its order, without `manifest` and `issues`
	Lost     []string         // sections that an earlier report had; sorted
	Line     int64            // the number of its line, for report.Row

	// Inventory is what the report says that was kept; only with Stale.
	Inventory report.Inventory
}

// WriteReport writes a report, its MLmodel file, its page and its objects.
//
// A report that is the Same as the one on disk keeps the old file, and an
// equal file is never written again. When something is missing that the report
// on disk has, and the issues say that this is for a reason of the moment
// (`unavailable`, `denied`), nothing is written and the Change is Stale. What
// is gone for good is left out of the new report and named in Lost, for as
// long as it does not come back; the MLmodel file is then removed. So is a
// report.md that is not asked for any more: nobody would keep it true.
func (t *Tree) WriteReport(r Report) (Written, error) {
	sections, err := r.sections()
	if err != nil {
		return Written{}, err
	}
	if err := checkPlace(r.Place); err != nil {
		return Written{}, err
	}
	defer t.alone(r.Place)()
	if t.o.Format == FormatJSONL {
		return t.writeLine(r, sections)
	}
	p, err := t.enter(r.Place)
	if err != nil {
		return Written{}, err
	}
	defer p.in.close()
	p.same = p.json != nil && t.same(p.json, r.JSON)
	if p.saysMore(r) {
		t.Unstage(r.Place, r.Files)
		return t.kept(p)
	}
	if err := p.render(r); err != nil {
		return Written{}, err
	}
	w := Written{Sections: sections, Lost: p.lost(sections, r)}
	if w.Files, err = t.writeObjects(r.Objects); err != nil {
		return Written{}, err
	}
	if w.Change, err = t.writeFiles(p, &r); err != nil {
		return Written{}, err
	}
	w.Files = append(w.Files, fileRef(path.Join(p.in.path, reportName), r.JSON))
	if r.MLmodel != nil {
		w.Files = append(w.Files, fileRef(path.Join(p.in.path, modelName), r.MLmodel))
	}
	for _, s := range r.Files {
		s.Ref.Path = path.Join(p.in.path, s.Ref.Path)
		w.Files = append(w.Files, s.Ref)
	}
	if p.newPage != nil {
		w.Files = append(w.Files, fileRef(path.Join(p.in.path, pageName), p.newPage))
	}
	slices.SortFunc(w.Files, func(a, b report.FileRef) int { return cmp.Compare(a.Path, b.Path) })
	w.Line, err = t.addLine(r.Place, r.JSON)
	return w, err
}

// writeFiles writes the MLmodel file and the copies, then report.json and its
// page, and removes the copies that it no longer names; r.JSON becomes what is
// on disk.
func (t *Tree) writeFiles(p present, r *Report) (Change, error) {
	change := p.change(*r)
	if change != Unchanged {
		t.top.disk.ahead.Store(true)
	}
	if err := p.settle(r.Files); err != nil {
		return "", err
	}
	switch {
	case p.dropsMLmodel(*r):
		if err := p.in.remove(modelName); err != nil {
			return "", err
		}
	case p.newMLmodel(*r):
		if err := p.in.write(modelName, r.MLmodel); err != nil {
			return "", err
		}
	}
	if p.json != nil && p.same {
		r.JSON = p.json
	} else if err := p.in.write(reportName, r.JSON); err != nil {
		return "", err
	}
	if err := p.writePage(); err != nil {
		return "", err
	}
	return change, p.drop(p.gone(*r))
}

// change is what a report makes of what is on disk.
func (p present) change(r Report) Change {
	switch {
	case p.json == nil:
		return New
	case !p.same || p.dropsMLmodel(r) || p.newMLmodel(r) || p.newFiles(r) || p.changesPage():
		return Changed
	}
	return Unchanged
}

func (p present) dropsMLmodel(r Report) bool {
	return r.MLmodel == nil && p.mlmodel != nil && goneForGood(r.Issues)
}

func (p present) newMLmodel(r Report) bool {
	return r.MLmodel != nil && (p.mlmodel == nil || !bytes.Equal(p.mlmodel, r.MLmodel))
}

func (p present) newFiles(r Report) bool {
	return len(p.gone(r)) > 0 || slices.ContainsFunc(r.Files, func(s StagedFile) bool { return s.fresh })
}

func (t *Tree) same(old, new []byte) bool {
	return bytes.Equal(old, new) || t.o.Same != nil && t.o.Same(old, new)
}

// Keep tells what an earlier batch left at a place, for the row of an entry
// that failed this time; false when there is no report.
func (t *Tree) Keep(place string) (Written, bool, error) {
	if err := checkPlace(place); err != nil {
		return Written{}, false, err
	}
	defer t.alone(place)()
	if t.o.Format == FormatJSONL {
		return t.keepLine(place)
	}
	in, err := t.top.open(path.Join(reportsFolder, place), false)
	if errors.Is(err, fs.ErrNotExist) {
		return Written{}, false, nil
	}
	if err != nil {
		return Written{}, false, err
	}
	defer in.close()
	p, err := t.presentAt(in, place)
	if err != nil || p.json == nil {
		return Written{}, false, err
	}
	w, err := t.kept(p)
	return w, err == nil, err
}

// kept is the Written of what stays as it is.
func (t *Tree) kept(p present) (Written, error) {
	sections, err := sectionsOf(p.json)
	if err != nil { // a damaged file is kept, but vouched for by nobody
		sections = nil
	}
	w := Written{Change: Stale, Sections: sections, Lost: p.lostBefore(sections), Inventory: inventoryIn(p.json)}
	if p.json != nil {
		w.Files = append(w.Files, fileRef(path.Join(p.in.path, reportName), p.json))
	}
	if p.mlmodel != nil {
		w.Files = append(w.Files, fileRef(path.Join(p.in.path, modelName), p.mlmodel))
	}
	copies, err := p.keptFiles()
	if err != nil {
		return Written{}, err
	}
	w.Files = append(w.Files, copies...)
	if p.page != nil {
		w.Files = append(w.Files, fileRef(path.Join(p.in.path, pageName), p.page))
	}
	objects, err := t.keptObjects(p.row)
	if err != nil {
		return Written{}, err
	}
	w.Files = append(w.Files, objects...)
	slices.SortFunc(w.Files, func(a, b report.FileRef) int { return cmp.Compare(a.Path, b.Path) })
	place := strings.TrimPrefix(p.in.path, reportsFolder+"/")
	w.Line, err = t.addLine(place, p.json)
	return w, err
}

// checkPlace refuses what Places never gives and what would lie elsewhere.
func checkPlace(place string) error {
	if !fs.ValidPath(place) || place == "." {
		return fmt.Errorf("%q is not a place in a tree: %w", place, mlflow.ErrInvalid)
	}
	return nil
}

// alone waits until nobody else writes at a place; the func ends it.
func (t *Tree) alone(place string) func() {
	m := t.mutexOf(place)
	m.Lock()
	return m.Unlock
}

func (t *Tree) mutexOf(name string) *sync.Mutex {
	return &t.writing[maphash.String(t.seed, name)%uint64(len(t.writing))]
}

func fileRef(path string, data []byte) report.FileRef {
	sum := sha256.Sum256(data)
	return report.FileRef{Path: path, SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(data))}
}
