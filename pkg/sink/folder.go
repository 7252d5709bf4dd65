package sink

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// A Step is one thing that a Tree does to the file system.
type Step string

// The steps that Options.Before sees.
const (
	StepMkdir  Step = "mkdir"
	StepCreate Step = "create" // of a temporary file
	StepWrite  Step = "write"  // into it; when this step fails, half of the data was written
	StepSync   Step = "sync"
	StepRename Step = "rename" // of a temporary file to its name
	StepRemove Step = "remove"
)

// noPoll keeps the os package from asking the system, with five calls a file,
// whether a file can be waited for: regular files cannot.
const noPoll = syscall.O_NONBLOCK

const (
	fileMode   = 0o640 // less the umask
	folderMode = 0o750
	maxRead    = 1 << 30 // bytes of a file of an earlier batch; a larger one is not ours
)

// A folder writes the files of one folder of the tree. Every file is written
// under a name that begins with a dot and then renamed, so that what has its
// final name is complete. Nothing outside of root can be reached.
type folder struct {
	root *os.Root
	path string // below the tree, with slashes; "." for the tree itself
	disk *disk
}

// disk is what all folders of a tree share.
type disk struct {
	dir    string // of the tree, for messages
	before func(step Step, path string) error
	wrote  atomic.Bool // a file has got its final name
	dirty  atomic.Bool // a temporary file could not be removed
	ahead  atomic.Bool // files of reports are newer than the index
}

// step announces a step on a file of the folder.
func (f folder) step(s Step, name string) error {
	if f.disk.before == nil {
		return nil
	}
	return f.disk.before(s, path.Join(f.path, name))
}

// fail makes an error of what went wrong with a file of the folder.
func (f folder) fail(doing, name string, err error) error {
	if err == nil {
		return nil
	}
	return diskError(doing+" "+filepath.Join(f.disk.dir, f.path, name), err)
}

// open opens a folder below this one; make creates it, and those above it,
// when it is not there.
func (f folder) open(name string, make bool) (folder, error) {
	sub := folder{path: path.Join(f.path, name), disk: f.disk}
	root, err := f.root.OpenRoot(name)
	if make && errors.Is(err, fs.ErrNotExist) {
		if err = f.step(StepMkdir, name); err == nil {
			err = f.root.MkdirAll(name, folderMode)
		}
		if err == nil {
			root, err = f.root.OpenRoot(name)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return sub, err
	}
	sub.root = root
	return sub, f.fail("opening", name, err)
}

func (f folder) close() { f.root.Close() }

// read reads a file; nil when there is none. What is not a regular file, such
// as a link that somebody planted, is none: it will be replaced.
func (f folder) read(name string) ([]byte, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > maxRead) {
		return nil, nil
	}
	if err != nil {
		return nil, f.fail("reading", name, err)
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|noPoll, 0)
	if err != nil {
		return nil, f.fail("reading", name, err)
	}
	defer file.Close()
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF { // it became shorter
		err = nil
	}
	return data[:n], f.fail("reading", name, err)
}

// write gives a file new content, in one step for those who read it.
func (f folder) write(name string, data []byte) error {
	if err := f.prepareData(name, data); err != nil {
		return err
	}
	return f.rename(name)
}

func (f folder) prepareData(name string, data []byte) error {
	return f.prepare(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// tempName is the name of a file that is being written. No place of Places
// begins with a dot.
func tempName(name string) string { return "." + name + ".tmp" }

func isTemp(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".tmp")
}

// prepare writes a file's future content under its temporary name.
func (f folder) prepare(name string, emit func(io.Writer) error) error {
	file, err := f.create(name)
	if err != nil {
		return f.fail("writing", name, err)
	}
	err = emit(&stepWriter{file, f, name})
	if err == nil && syncEachFile {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		f.drop(name)
	}
	return f.fail("writing", name, err)
}

func (f folder) create(name string) (*os.File, error) {
	if err := f.step(StepCreate, name); err != nil {
		return nil, err
	}
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL | noPoll // never into what somebody put there
	file, err := f.root.OpenFile(tempName(name), flags, fileMode)
	if errors.Is(err, fs.ErrExist) {
		if err = f.root.Remove(tempName(name)); err == nil {
			file, err = f.root.OpenFile(tempName(name), flags, fileMode)
		}
	}
	return file, err
}

// rename gives a prepared file its name.
func (f folder) rename(name string) error {
	err := f.step(StepRename, name)
	if err == nil {
		err = f.root.Rename(tempName(name), name)
	}
	if err != nil {
		f.drop(name)
		return f.fail("writing", name, err)
	}
	f.disk.wrote.Store(true)
	return nil
}

// drop removes a prepared file.
func (f folder) drop(name string) {
	if err := f.root.Remove(tempName(name)); err != nil {
		f.disk.dirty.Store(true)
	}
}

// remove removes a file, if there is one.
func (f folder) remove(name string) error {
	if _, err := f.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := f.step(StepRemove, name)
	if err == nil {
		err = f.root.Remove(name)
	}
	return f.fail("removing", name, err)
}

// sameAsPrepared tells whether a prepared file would change nothing.
func (f folder) sameAsPrepared(name string) (bool, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return false, nil
	}
	if err != nil {
		return false, f.fail("reading", name, err)
	}
	old, err := f.root.Open(name)
	if err != nil {
		return false, f.fail("reading", name, err)
	}
	defer old.Close()
	prepared, err := f.root.Open(tempName(name))
	if err != nil {
		return false, f.fail("reading", tempName(name), err)
	}
	defer prepared.Close()
	same, err := equal(old, prepared)
	return same, f.fail("reading", name, err)
}

func equal(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			return true, errors.Join(notEnd(errA), notEnd(errB))
		}
	}
}

func notEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

// stepWriter announces each write, and writes the half when it is to fail.
type stepWriter struct {
	file *os.File
	in   folder
	name string
}

func (w *stepWriter) Write(p []byte) (int, error) {
	if err := w.in.step(StepWrite, w.name); err != nil {
		n, _ := w.file.Write(p[:len(p)/2])
		return n, err
	}
	return w.file.Write(p)
}
