package artifact

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A folder is one that may be read, opened when it is first needed.
type folder struct {
	path    string
	spelled []where // how locations may name it
	parent  *folder // when it must not lead out of that one
	name    string  // in parent
	mounted bool    // it must be there: the user said so

	mu    sync.Mutex
	root  *os.Root
	quick *quickDir // root, opened once more; nil: there is no quicker way
	gone  error     // why one that need not be there is not: not looked for again
}

func newFolder(dir string) *folder {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	f := &folder{path: dir, spelled: []where{localWhere(filepath.ToSlash(dir))}}
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
		f.spelled = append(f.spelled, localWhere(filepath.ToSlash(real)))
	}
	return f
}

// sub is a folder in f that need not be there.
func (f *folder) sub(name string) *folder {
	return &folder{path: filepath.Join(f.path, name), parent: f, name: name}
}

// open opens the folder once. What is no folder is not opened: opening a named
// pipe would wait for ever.
func (f *folder) open() (*os.Root, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil || f.gone != nil {
		return f.root, f.gone
	}
	stat, openRoot, name := os.Stat, os.OpenRoot, f.path
	if f.parent != nil {
		up, err := f.parent.open()
		if err != nil {
			return nil, err
		}
		stat, openRoot, name = up.Stat, up.OpenRoot, f.name
	}
	info, err := stat(name)
	if f.mounted && errors.Is(err, fs.ErrNotExist) {
		return nil, &mlflow.Error{
			Err:  mlflow.Reason(mlflow.ErrUnavailable, "%s, which artifact-roots names, is not there", f.path),
			Hint: "mount it, or correct artifact-roots",
		}
	}
	if err != nil {
		err = classify(err)
		if f.parent != nil && errors.Is(err, mlflow.ErrNotFound) {
			f.gone = err
		}
		return nil, err
	}
	if !info.IsDir() {
		return nil, notFound("not a folder")
	}
	if f.root, err = openRoot(name); err != nil {
		return nil, classify(err)
	}
	f.quick = openQuickDir(f.root)
	return f.root, nil
}

func (f *folder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root == nil {
		return nil
	}
	err := errors.Join(f.root.Close(), f.quick.close())
	f.root = nil
	return err
}

// file opens a file or folder below f and looks what it is. Named pipes and
// devices do not make it wait.
func (f *folder) file(rel string) (*os.File, os.FileInfo, error) {
	root, err := f.open()
	if err != nil {
		return nil, nil, err
	}
	file, err := root.OpenFile(filepath.FromSlash(rel), os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, nil, classify(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(classify(err), file.Close())
	}
	return file, info, nil
}

// read reads the file at path below the place.
func (p place) read(path string, limit int64, since fetch.Stamp) (fetch.File, error) {
	rel := join(p.rel, path)
	if out, ok := p.folder.readQuickly(rel, limit, since); ok {
		return out, nil
	}
	f, info, err := p.folder.file(rel)
	if err != nil {
		return fetch.File{}, err
	}
	defer f.Close()
	if !info.Mode().IsRegular() {
		return fetch.File{}, notFound("not a regular file")
	}
	out := fetch.File{Stamp: fetch.Stamp{Size: info.Size(), ModTime: info.ModTime()}}
	if out.Unchanged = unchanged(out.Stamp, since); out.Unchanged {
		return out, nil
	}
	if info.Size() > limit {
		return fetch.File{}, tooLarge(limit)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead)) // with room to see that this is all
	if _, err = data.ReadFrom(io.LimitReader(f, min(limit, math.MaxInt64-1)+1)); err != nil {
		return fetch.File{}, classify(err)
	}
	if int64(data.Len()) > limit { // it grew meanwhile
		return fetch.File{}, tooLarge(limit)
	}
	out.Data = data.Bytes()
	return out, nil
}

// unchanged tells whether a file is as it was, as far as its stamp can tell.
func unchanged(now, since fetch.Stamp) bool {
	return !since.ModTime.IsZero() && since.Size == now.Size && since.ModTime.Equal(now.ModTime)
}

func tooLarge(limit int64) error {
	return mlflow.Reason(mlflow.ErrTooLarge, "it has more than %d bytes", limit)
}

// join joins slash paths; the folder itself is `.`.
func join(rel, sub string) string { return path.Clean(path.Join(rel, sub)) }
