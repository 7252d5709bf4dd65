package artifact

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// What a listing may cost, at most.
const (
	maxEntries = 1_000_000 // of one listing
	maxNesting = 250       // folders in folders
)

// A listing walks one folder.
type listing struct {
	folder *folder
	yield  func(mlflow.FileInfo, error) bool
	above  []os.FileInfo // the folders that lead to the one being listed
	count  int
	done   bool // the caller has seen enough
}

// walk lists the folder rel, whose entries are shown below shown.
func (l *listing) walk(ctx context.Context, rel, shown string, depth int) error {
	if len(l.above) == maxNesting {
		return mlflow.Reason(mlflow.ErrTooLarge, "there are more than %d folders in folders", maxNesting)
	}
	dir, entries, err := l.entries(rel)
	if err != nil {
		return err
	}
	l.above = append(l.above, dir)
	defer func() { l.above = l.above[:len(l.above)-1] }()
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, descend := l.look(rel, e)
		f := mlflow.FileInfo{Path: path.Join(shown, e.Name()), Dir: info.IsDir()}
		if info.Mode().IsRegular() {
			f.Bytes = info.Size()
		}
		if l.done = !l.yield(f, nil); l.done {
			return nil
		}
		if !descend || depth == 1 {
			continue
		}
		err := l.walk(ctx, path.Join(rel, e.Name()), f.Path, depth-1)
		if l.done || err != nil && !errors.Is(err, mlflow.ErrNotFound) { // a folder may go meanwhile
			return err
		}
	}
	return nil
}

// look follows a link, as far as it stays inside and does not lead back.
func (l *listing) look(rel string, e os.FileInfo) (info os.FileInfo, descend bool) {
	if e.Mode().Type() != os.ModeSymlink {
		return e, e.IsDir()
	}
	root, err := l.folder.open()
	if err != nil {
		return e, false
	}
	target, err := root.Stat(path.Join(rel, e.Name()))
	if err != nil {
		return e, false
	}
	back := slices.ContainsFunc(l.above, func(up os.FileInfo) bool { return os.SameFile(up, target) })
	return target, target.IsDir() && !back
}

// entries reads a folder, by name.
func (l *listing) entries(rel string) (dir os.FileInfo, list []os.FileInfo, err error) {
	f, dir, err := l.folder.dir(rel)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	for {
		part, err := f.Readdir(1024)
		list = append(list, part...)
		l.count += len(part)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, classify(err)
		}
		if l.count > maxEntries {
			return nil, nil, mlflow.Reason(mlflow.ErrTooLarge, "there are more than %d files", maxEntries)
		}
	}
	slices.SortFunc(list, func(a, b os.FileInfo) int { return cmp.Compare(a.Name(), b.Name()) })
	return dir, list, nil
}

// dir opens a folder below f.
func (f *folder) dir(rel string) (*os.File, os.FileInfo, error) {
	file, info, err := f.file(rel)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		return nil, nil, errors.Join(notFound("not a folder"), file.Close())
	}
	return file, info, nil
}

func (f *folder) isEmpty(rel string) (bool, error) {
	file, _, err := f.dir(rel)
	if err != nil {
		return false, err
	}
	defer file.Close()
	_, err = file.Readdirnames(1)
	return errors.Is(err, io.EOF), nil
}
