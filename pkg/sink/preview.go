package sink

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/mlreport/mlreport/pkg/report"
)

// A Preview tells what a batch would do to a tree, and does nothing: it takes
// no lock, writes no file, and makes no folder.
type Preview struct {
	tree *Tree // nil when there is no folder yet
}

// OpenPreview looks at the folder that a batch would write. Only Dir, Same
// and Writer of the options count. What Open would refuse is refused.
func OpenPreview(o Options) (*Preview, error) {
	root, err := os.OpenRoot(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &Preview{}, nil
	}
	if err != nil {
		return nil, diskError("opening "+o.Dir, err)
	}
	t := newTree(o, folder{path: ".", root: root, disk: &disk{dir: o.Dir}})
	t.unclean = true // as nobody keeps another batch from writing
	p := &Preview{tree: t}
	if err := p.start(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Preview) start() error {
	ours, err := p.tree.ours()
	if err != nil || !ours {
		return err
	}
	p.tree.openOldBulk()
	if !p.tree.has(reportsFolder) && p.tree.bulk.old != nil {
		p.tree.o.Format = FormatJSONL // nothing is written: that is how the last batch did it
	}
	return errors.Join(p.tree.openOld(), p.tree.readLastRun(), p.tree.openNotes())
}

// Previous gives the index that the last batch left; nil when there is none.
func (p *Preview) Previous() (*report.IndexReader, error) {
	if p.tree == nil {
		return nil, nil
	}
	return p.tree.Previous()
}

// LastCommit is Tree.LastCommit.
func (p *Preview) LastCommit() time.Time {
	if p.tree == nil {
		return time.Time{}
	}
	return p.tree.LastCommit()
}

// Confirm is Tree.Confirm, by content.
func (p *Preview) Confirm(row report.Row) (bool, error) {
	if p.tree == nil {
		return false, nil
	}
	return p.tree.Confirm(row)
}

// Note is Tree.Note.
func (p *Preview) Note(place string) []byte {
	if p.tree == nil {
		return nil
	}
	return p.tree.Note(place)
}

// AddNote does nothing.
func (p *Preview) AddNote(string, []byte) error { return nil }

// ReadModel is Tree.ReadModel.
func (p *Preview) ReadModel(place string) []byte {
	if p.tree == nil {
		return nil
	}
	return p.tree.ReadModel(place)
}

// Add does nothing.
func (p *Preview) Add(report.Row) error { return nil }

// Keep is Tree.Keep.
func (p *Preview) Keep(place string) (Written, bool, error) {
	if p.tree == nil {
		return Written{}, false, nil
	}
	return p.tree.Keep(place)
}

// Stage tells what Tree.Stage would do.
func (p *Preview) Stage(place, file string, data []byte) (StagedFile, error) {
	s := StagedFile{Ref: fileRef(file, data), fresh: true}
	if p.tree == nil {
		return s, nil
	}
	in, err := p.tree.fileFolder(place, file, false)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer in.close()
	old, err := in.read(path.Base(file))
	s.fresh = old == nil || !bytes.Equal(old, data)
	return s, err
}

// Unstage does nothing.
func (p *Preview) Unstage(string, []StagedFile) {}

// WriteReport tells what Tree.WriteReport would do.
func (p *Preview) WriteReport(r Report) (Written, error) {
	sections, err := r.sections()
	if err != nil {
		return Written{}, err
	}
	w := Written{Change: New, Sections: sections}
	if p.tree == nil {
		return w, nil
	}
	defer p.tree.alone(r.Place)()
	if p.tree.o.Format == FormatJSONL {
		return p.tree.writeLine(r, sections)
	}
	in, err := p.tree.top.open(path.Join(reportsFolder, r.Place), false)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return Written{}, err
	}
	defer in.close()
	old, err := p.tree.presentAt(in, r.Place)
	if err != nil || old.json == nil {
		return w, err
	}
	old.same = p.tree.same(old.json, r.JSON)
	if old.saysMore(r) {
		return p.tree.kept(old)
	}
	if err := old.render(r); err != nil {
		return Written{}, err
	}
	w.Lost, w.Change = old.lost(sections, r), old.change(r)
	return w, nil
}

// Close ends the preview.
func (p *Preview) Close() error {
	if p.tree == nil {
		return nil
	}
	if p.tree.oldFile != nil {
		p.tree.oldFile.Close()
	}
	p.tree.closeNotes()
	err := p.tree.closeBulk()
	p.tree.top.close()
	return err
}
