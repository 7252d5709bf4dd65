package sink

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// Commit makes durable what was written, gives models.csv and then index.json
// the rows that were added, and writes run.json: after it the tree is a
// snapshot. A file that would be equal is kept. After an error index.json is
// the old one, or already the new one when only run.json failed.
func (t *Tree) Commit(x report.Index, run Run) error {
	if err := t.commit(x); err != nil {
		return err
	}
	if t.changed || t.last.lastChange.IsZero() {
		t.last.lastChange = run.Timestamp
		if !t.changed { // by a batch that did not write it down
			t.last.lastChange = t.oldTime
		}
	}
	t.last.timestamp = run.Timestamp
	return errors.Join(t.keepNotes(), t.WriteRun(run))
}

// CommitIndex is Commit for who read nothing: run.json stays that of the last
// batch.
func (t *Tree) CommitIndex(x report.Index) error {
	if err := t.commit(x); err != nil {
		return err
	}
	return t.keepNotes()
}

// commit makes durable what was written and gives the rows their files.
func (t *Tree) commit(x report.Index) error {
	if err := t.lock.held(); err != nil {
		return err
	}
	sameTable, err := t.prepare(tableName, t.emitTable)
	if err != nil {
		return err
	}
	same, err := t.prepare(indexName, func(w io.Writer) error { return t.index.Emit(w, x) })
	if err != nil {
		t.top.drop(tableName)
		return err
	}
	sameBulk, err := t.prepareBulk()
	if err == nil && (!same || !sameTable || !sameBulk || t.top.disk.wrote.Load()) {
		err = t.sync()
	}
	if err == nil {
		err = t.commitBulk(sameBulk)
	}
	if err != nil {
		t.top.drop(tableName)
		t.top.drop(indexName)
		return err
	}
	if err := t.renamePrepared(same, sameTable); err != nil {
		return err
	}
	t.top.disk.ahead.Store(false)
	t.changed = !same
	return nil
}

// prepare writes the future content of a file beside the old one and tells
// whether it is equal.
func (t *Tree) prepare(name string, emit func(io.Writer) error) (same bool, err error) {
	if err := t.top.prepare(name, emit); err != nil {
		return false, err
	}
	if same, err = t.top.sameAsPrepared(name); err != nil {
		t.top.drop(name)
	}
	return same, err
}

// renamePrepared gives the prepared files their names, index.json last. Those
// that are equal to the old ones are dropped.
func (t *Tree) renamePrepared(sameIndex, sameTable bool) error {
	if sameTable {
		t.top.drop(tableName)
	} else if err := t.top.rename(tableName); err != nil {
		t.top.drop(indexName)
		return err
	}
	if !sameIndex {
		return t.renameIndex()
	}
	t.top.drop(indexName)
	if sameTable {
		return nil
	}
	return t.syncNames()
}

// renameIndex is the moment of the commit.
func (t *Tree) renameIndex() error {
	if t.oldFile != nil { // Windows does not rename over an open file
		t.oldFile.Close()
		t.oldFile, t.old = nil, nil
	}
	if err := t.top.rename(indexName); err != nil {
		return err
	}
	return t.syncNames()
}

// WriteRun writes run.json alone: for a batch that was interrupted and leaves
// index.json as it is.
func (t *Tree) WriteRun(run Run) error {
	run.Timestamp, run.LastChange = t.last.timestamp, t.last.lastChange
	return t.top.write(runName, run.encode())
}

// WriteCoverage writes coverage.json, unless it says the same already; nil
// removes the one that an earlier batch wrote, which nobody keeps true.
func (t *Tree) WriteCoverage(data []byte) error {
	if err := t.lock.held(); err != nil {
		return err
	}
	old, err := t.top.read(coverageName)
	switch {
	case err != nil || bytes.Equal(old, data):
		return err
	case data == nil:
		if o, err := mlflow.DecodeJSON(old); err != nil || !strings.HasPrefix(o.Text("format"), "mlreport-coverage/") {
			return nil // not ours
		}
		return t.top.remove(coverageName)
	}
	return t.top.write(coverageName, data)
}

func (t *Tree) sync() error {
	if t.o.NoSync {
		return nil
	}
	err := t.top.step(StepSync, "")
	if err == nil {
		err = t.withTop(syncAll)
	}
	return t.top.fail("making durable", "", err)
}

// syncNames makes the rename of index.json durable.
func (t *Tree) syncNames() error {
	if t.o.NoSync {
		return nil
	}
	return t.top.fail("making durable", indexName, t.withTop(syncFolder))
}

// withTop calls do with the tree's folder as an open file.
func (t *Tree) withTop(do func(*os.File) error) error {
	dir, err := t.top.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(do(dir), dir.Close())
}
