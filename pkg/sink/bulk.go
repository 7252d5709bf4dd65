package sink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlreport/mlreport/pkg/bulk"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Format says in which form a batch leaves its reports.
type Format string

// The formats; "" is FormatTree.
const (
	FormatTree  Format = "tree"  // a folder per report
	FormatJSONL Format = "jsonl" // a line per report, in the files of package bulk; no MLmodel files
	FormatBoth  Format = "both"
)

// ErrFormat says that a folder holds reports of another format than a batch is
// to write: they would be out of date.
var ErrFormat = errors.New("a tree of another format")

// Names of the bulk form. A new one is made beside the one that is there and
// takes its place in one step.
const (
	bulkFolder = "bulk"
	bulkNew    = ".mlreport.bulk.new"
	bulkOld    = ".mlreport.bulk.old" // for a moment; the one that counts when there is no bulkFolder
	bulkSpool  = ".mlreport.lines"    // lines, while a batch runs
)

// bulkForm is what a Tree has open for the bulk form.
type bulkForm struct {
	spool *os.File
	lines *bulk.Writer

	folder folder       // of the last batch
	old    *bulk.Reader // nil when there is none, or none that can be read
}

// startBulk goes on where a killed batch stopped, and opens what the last one
// wrote.
func (t *Tree) startBulk() error {
	if err := t.checkFormat(); err != nil {
		return err
	}
	if !t.o.Format.hasLines() {
		return errors.Join(t.removeFolder(bulkNew), t.top.remove(bulkSpool))
	}
	if err := t.recoverBulk(); err != nil {
		return t.top.fail("writing", bulkFolder, err)
	}
	t.openOldBulk()
	spool, err := t.newSpool(bulkSpool)
	if err != nil {
		return t.top.fail("writing", bulkSpool, err)
	}
	t.bulk.spool = spool
	t.bulk.lines, err = bulk.NewWriter(spool)
	return err
}

func (f Format) hasLines() bool { return f == FormatJSONL || f == FormatBoth }

// checkFormat refuses a folder whose other form would stay as it is.
func (t *Tree) checkFormat() error {
	hint := "give --format both, or choose another folder"
	switch {
	case !t.o.Format.hasLines() && (t.has(bulkFolder) || t.has(bulkOld)):
		return &mlflow.Error{Op: "opening " + t.o.Dir, Err: fmt.Errorf("%w: it has its reports as lines in %s", ErrFormat, bulkFolder), Hint: "give --format both or --format jsonl, or choose another folder"}
	case t.o.Format == FormatJSONL && t.has(reportsFolder):
		return &mlflow.Error{Op: "opening " + t.o.Dir, Err: fmt.Errorf("%w: it has a folder per report in %s", ErrFormat, reportsFolder), Hint: hint}
	}
	return nil
}

func (t *Tree) has(name string) bool {
	_, err := t.top.root.Lstat(name)
	return err == nil
}

// recoverBulk settles what a batch that was killed in its commit left: one of
// the two, the old or the new, is whole and counts.
func (t *Tree) recoverBulk() error {
	if !t.has(bulkFolder) && t.has(bulkOld) {
		if err := t.moveFolder(bulkOld, bulkFolder); err != nil {
			return err
		}
	}
	return errors.Join(t.removeFolder(bulkOld), t.removeFolder(bulkNew))
}

func (t *Tree) moveFolder(from, to string) error {
	if err := t.top.step(StepRename, to); err != nil {
		return err
	}
	return t.top.root.Rename(from, to)
}

func (t *Tree) removeFolder(name string) error {
	if !t.has(name) {
		return nil
	}
	if err := t.top.step(StepRemove, name); err != nil {
		return err
	}
	return t.top.root.RemoveAll(name)
}

// openOldBulk opens the lines of the last batch. What cannot be read costs what
// it knew, not this batch.
func (t *Tree) openOldBulk() {
	in, err := t.top.open(bulkFolder, false)
	if err != nil {
		return
	}
	old, err := bulk.Open(in.root)
	if old == nil || err != nil {
		in.close()
		return
	}
	t.bulk.folder, t.bulk.old = in, old
}

func (t *Tree) closeOldBulk() error {
	if t.bulk.old == nil {
		return nil
	}
	err := t.bulk.old.Close()
	t.bulk.folder.close()
	t.bulk.old = nil
	return err
}

func (t *Tree) closeBulk() error {
	err := t.closeOldBulk()
	if t.bulk.spool != nil {
		t.bulk.lines.Close()
		err = errors.Join(err, t.bulk.spool.Close(), t.top.root.Remove(bulkSpool))
		t.bulk.spool = nil
	}
	return err
}

// addLine gives a report, or nothing, to the bulk form where there is one.
func (t *Tree) addLine(place string, json []byte) (int64, error) {
	if t.bulk.lines == nil || json == nil {
		return 0, nil
	}
	line := jsontext.Value(bytes.Clone(json))
	if err := line.Compact(); err != nil { // damaged on the disk, and kept there
		return 0, nil
	}
	number, err := t.bulk.lines.Add(place, line)
	return number, t.top.fail("writing", bulkSpool, err)
}

// writeLine is WriteReport where lines are all there is.
func (t *Tree) writeLine(r Report, sections []string) (Written, error) {
	p, err := t.presentLine(r.Place)
	if err != nil {
		return Written{}, err
	}
	line := jsontext.Value(bytes.Clone(r.JSON))
	if err := line.Compact(); err != nil {
		return Written{}, fmt.Errorf("report of %s: %w", r.Place, err)
	}
	p.same = p.json != nil && t.same(p.json, line)
	r.JSON, r.MLmodel = line, nil
	if p.saysMore(r) {
		return t.keptLine(r.Place, p)
	}
	w := Written{Change: p.change(r), Sections: sections, Lost: p.lost(sections, r)}
	if p.same {
		line = p.json
	}
	if t.bulk.lines != nil {
		w.Line, err = t.bulk.lines.Add(r.Place, line)
	}
	return w, t.top.fail("writing", bulkSpool, err)
}

// presentLine is what the last batch left of a place.
func (t *Tree) presentLine(place string) (present, error) {
	var p present
	if t.bulk.old != nil {
		p.json, _ = t.bulk.old.Line(place) // a damaged one is none
	}
	var err error
	p.row, err = t.oldRow(place)
	return p, err
}

// keptLine is the Written of a line that stays as it is.
func (t *Tree) keptLine(place string, p present) (Written, error) {
	sections, err := decodeSections(p.json)
	if err != nil {
		sections = nil
	}
	w := Written{Change: Stale, Sections: sections, Lost: p.lostBefore(sections), Inventory: inventoryIn(p.json)}
	w.Line, err = t.addLine(place, p.json)
	return w, err
}

// keepLine is Keep where lines are all there is.
func (t *Tree) keepLine(place string) (Written, bool, error) {
	p, err := t.presentLine(place)
	if err != nil || p.json == nil {
		return Written{}, false, err
	}
	w, err := t.keptLine(place, p)
	return w, err == nil, err
}

// prepareBulk writes the future files beside those of the last batch and tells
// whether they are equal.
func (t *Tree) prepareBulk() (same bool, err error) {
	if t.bulk.lines == nil {
		return true, nil
	}
	in, err := t.top.open(bulkNew, true)
	if err != nil {
		return false, err
	}
	defer in.close()
	err = t.bulk.lines.Emit(t.index.Lines(), t.o.BulkFileBytes, func(name string, emit func(io.Writer) error) error {
		if err := in.prepare(name, emit); err != nil {
			return err
		}
		return in.rename(name)
	})
	if err != nil {
		return false, err
	}
	return t.sameBulk(in)
}

// sameBulk compares the indexes, which hold the sums of all lines.
func (t *Tree) sameBulk(in folder) (same bool, err error) {
	if t.bulk.old == nil {
		return false, nil
	}
	old, err := t.bulk.folder.root.Open(bulk.IndexName)
	if err != nil {
		return false, nil // then the new one is better
	}
	defer old.Close()
	now, err := in.root.Open(bulk.IndexName)
	if err != nil {
		return false, in.fail("reading", bulk.IndexName, err)
	}
	defer now.Close()
	same, err = equal(old, now)
	return same, in.fail("reading", bulk.IndexName, err)
}

// swapBulk puts the new files in place of the old ones.
func (t *Tree) swapBulk() error {
	err := t.closeOldBulk() // Windows renames nothing that is open
	if err == nil && t.has(bulkFolder) {
		err = t.moveFolder(bulkFolder, bulkOld)
	}
	if err == nil {
		err = t.moveFolder(bulkNew, bulkFolder)
	}
	if err == nil {
		err = t.removeFolder(bulkOld)
	}
	return t.top.fail("writing", bulkFolder, err)
}

// commitBulk makes the lines of this batch those of the tree.
func (t *Tree) commitBulk(same bool) error {
	if t.bulk.lines == nil {
		return nil
	}
	if same {
		return t.top.fail("removing", bulkNew, t.removeFolder(bulkNew))
	}
	return t.swapBulk()
}

// BulkFiles is where the lines of a tree are, as a pattern below Dir.
func BulkFiles() string { return path.Join(bulkFolder, "reports-*.jsonl.zst") }
