package sink

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// Names in the tree.
const (
	markerName   = ".mlreport.json" // says that a folder is ours
	spoolName    = ".mlreport.rows" // rows of the index, while a batch runs
	indexName    = "index.json"
	tableName    = "models.csv"
	runName      = "run.json"
	coverageName = "coverage.json"
	reportName   = "report.json"
	modelName    = "MLmodel"
	pageName     = "report.md"
	notesName    = ".mlreport.notes" // what the next batch can spare itself

	reportsFolder = "model_reports"
	objectsFolder = "mlflow_objects"
)

const markerText = "{\"format\": \"" + markerFormat + "\"}\n"
const markerFormat = "mlreport-tree/1"

// Options of a Tree. Dir and Now are needed.
type Options struct {
	Dir      string           // the tree's folder; made when it is not there
	Now      func() time.Time // for the heartbeat of the lock only; nothing in the tree depends on it
	LockWait time.Duration    // how long to wait for another batch; 0: not at all
	Writer   string           // version of the program: what another one wrote down with AddNote is not relied on
	Holder   string           // who we are, for the message that another batch shows, such as `pid 4711 on build-3`
	NoSync   bool             // leaves it to the system when files become durable

	Format        Format // in which form; FormatTree when empty
	BulkFileBytes int64  // of the bulk form: see bulk.Writer.Emit

	// Same tells whether two reports of one place differ in nothing that
	// counts, so that the old one is kept; nil: only when they are equal.
	Same func(old, new []byte) bool

	// Before is called before each step that changes the file system, with a
	// path below Dir; its error makes the step fail. For tests of crashes and
	// full disks.
	Before func(step Step, path string) error
}

// A Tree is the folder that one batch writes. It is safe for concurrent use,
// except that Commit and Close come last.
//
// A batch that is killed at any moment leaves a tree whose files are all
// complete and whose index.json is that of the last batch that came to its
// Commit; the next batch goes on from there.
type Tree struct {
	o    Options
	top  folder
	lock *lock
	seed maphash.Seed

	parents parents

	spool *os.File
	index *report.IndexWriter

	oldFile *os.File
	old     *report.IndexReader
	oldErr  error
	oldTime time.Time // when it was written
	unclean bool      // files of reports may be newer than it although their times say otherwise

	notes notes
	last  lastRun

	changed bool // Commit has changed the index

	bulk bulkForm

	writing       [64]sync.Mutex // by place: one writer at a time
	objectWriting [64]sync.Mutex // by path; taken inside of writing
	mu            sync.Mutex
	objects       map[objectKey]struct{} // written in this batch
}

// Open makes a folder ours, or takes up the one that an earlier batch wrote.
// A folder with other files gives ErrNotTree and stays as it is; one that
// another batch writes to gives ErrLocked. What a batch that was killed left
// half-written is removed.
func Open(ctx context.Context, o Options) (*Tree, error) {
	if o.Now == nil {
		return nil, fmt.Errorf("opening %s: no clock: %w", o.Dir, mlflow.ErrInvalid)
	}
	top, err := openTop(o)
	if err != nil {
		return nil, err
	}
	t := newTree(o, top)
	if err := t.start(ctx); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func newTree(o Options, top folder) *Tree {
	return &Tree{o: o, top: top, seed: maphash.MakeSeed(), objects: map[objectKey]struct{}{}}
}

func openTop(o Options) (folder, error) {
	top := folder{path: ".", disk: &disk{dir: o.Dir, before: o.Before}}
	if err := os.MkdirAll(o.Dir, folderMode); err != nil {
		return top, diskError("making "+o.Dir, err)
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return top, diskError("opening "+o.Dir, err)
	}
	top.root = root
	return top, nil
}

func (t *Tree) start(ctx context.Context) error {
	if err := t.mark(); err != nil {
		return err
	}
	_, missing := t.top.root.Lstat(lockName)
	l, unclean, err := acquire(ctx, t.top, t.o)
	if err != nil {
		return err
	}
	t.lock, t.unclean = l, unclean || missing != nil
	if unclean {
		if err := t.sweep(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(t.openOld(), t.readLastRun(), t.openNotes()); err != nil {
		return err
	}
	t.spool, err = t.newSpool(spoolName)
	if err != nil {
		return t.top.fail("writing", spoolName, err)
	}
	t.index = report.NewIndexWriter(t.spool, tableRecords())
	return t.startBulk()
}

// mark makes the folder ours, or finds that it is.
func (t *Tree) mark() error {
	ours, err := t.ours()
	if err != nil || ours {
		return err
	}
	return t.top.write(markerName, []byte(markerText))
}

// ours tells whether the folder is a tree already; false of an empty one. Any
// other gives ErrNotTree.
func (t *Tree) ours() (bool, error) {
	marker, err := t.top.read(markerName)
	if err != nil {
		return false, err
	}
	if marker != nil {
		if o, err := mlflow.DecodeJSON(marker); err != nil || o.Text("format") != markerFormat {
			return false, t.notOurs(markerName + " is not of format " + markerFormat)
		}
		return true, nil
	}
	other, err := t.stranger()
	if err == nil && other != "" {
		err = t.notOurs(fmt.Sprintf("it holds %q and has no %s", other, markerName))
	}
	return false, err
}

func (t *Tree) notOurs(why string) error {
	return &mlflow.Error{
		Op: "opening " + t.o.Dir, Err: fmt.Errorf("%w: %s", ErrNotTree, why),
		Hint: "choose an empty folder, a new one, or one that mlreport wrote",
	}
}

// stranger names a file that is not ours. A volume's lost+found is nobody's.
func (t *Tree) stranger() (string, error) {
	entries, err := fs.ReadDir(t.top.root.FS(), ".")
	if err != nil {
		return "", t.top.fail("reading", "", err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".mlreport.") && name != tempName(markerName) && name != "lost+found" {
			return name, nil
		}
	}
	return "", nil
}

// sweep removes what a killed batch was writing.
func (t *Tree) sweep(ctx context.Context) error {
	return fs.WalkDir(t.top.root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return t.top.fail("looking for left-over files in", path, err)
		case e.IsDir() || !isTemp(e.Name()):
			return nil
		}
		return t.top.remove(filepath.FromSlash(path))
	})
}

func (t *Tree) newSpool(name string) (*os.File, error) {
	if err := t.top.remove(name); err != nil {
		return nil, err
	}
	if err := t.top.step(StepCreate, name); err != nil {
		return nil, err
	}
	return t.top.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
}

// openOld opens the index of the last batch. One that cannot be read costs
// what it knew, not this batch; only one of another format ends it.
func (t *Tree) openOld() error {
	info, err := t.top.root.Lstat(indexName)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	file, err := t.top.root.Open(indexName)
	if err != nil {
		return t.top.fail("reading", indexName, err)
	}
	t.oldFile, t.oldTime = file, info.ModTime()
	t.old, t.oldErr = report.ReadIndex(file, info.Size())
	if errors.Is(t.oldErr, report.ErrIndexFormat) {
		return t.notOurs("its index.json is " + t.oldErr.Error())
	}
	return nil
}

// Previous gives the index that the last batch left; nil when there is none.
// The error says that there is one which cannot be read.
func (t *Tree) Previous() (*report.IndexReader, error) { return t.old, t.oldErr }

// Add takes a row of the index.
func (t *Tree) Add(row report.Row) error {
	return t.top.fail("writing", spoolName, t.index.Add(row))
}

// Close gives the folder back. What was written since the last Commit stays,
// but index.json does not know it. It may be called twice.
//
// A batch that wrote something and does not come to its Commit counts as one
// that was killed: the next one trusts no file by its size.
func (t *Tree) Close() error {
	var errs []error
	if t.spool != nil {
		errs = append(errs, t.spool.Close(), t.top.root.Remove(spoolName))
	}
	if t.oldFile != nil {
		errs = append(errs, t.oldFile.Close())
	}
	t.closeNotes()
	errs = append(errs, t.closeBulk())
	if t.lock != nil {
		errs = append(errs, t.lock.release(!t.top.disk.ahead.Load() && !t.top.disk.dirty.Load()))
	}
	t.parents.close()
	t.top.close()
	t.spool, t.oldFile, t.lock = nil, nil, nil
	return t.top.fail("closing", "", errors.Join(errs...))
}
