package sink

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/report"
)

// FormatOf tells in which form the last batch left its reports in a folder.
func FormatOf(dir string) Format {
	lines, folders := isDir(filepath.Join(dir, bulkFolder)) || isDir(filepath.Join(dir, bulkOld)), isDir(filepath.Join(dir, reportsFolder))
	switch {
	case lines && folders:
		return FormatBoth
	case lines:
		return FormatJSONL
	}
	return FormatTree
}

// Remove removes the files of a report that a row of the last index names, and
// nothing else: no file that is not named, no file of the objects that shared
// says other rows name, too, nothing through a link, and nothing at all when
// report.json is not what the row says; then it gives false. What is gone
// already is no error. report.json goes last, so that who is killed before
// finds the rest again. A line goes when no row names its place at the Commit.
func (t *Tree) Remove(row report.Row, shared func(path string) bool) (bool, error) {
	if err := checkPlace(row.Place); err != nil {
		return false, err
	}
	defer t.alone(row.Place)()
	own := path.Join(reportsFolder, row.Place)
	last := path.Join(own, reportName)
	if ok, err := t.isAsNamed(row, last); !ok {
		return false, err
	}
	t.top.disk.ahead.Store(true)
	for _, f := range row.Files {
		mine := strings.HasPrefix(f.Path, own+"/") && f.Path != last
		object := strings.HasPrefix(f.Path, objectsFolder+"/") && !shared(f.Path)
		if !mine && !object {
			continue
		}
		if err := t.removeFile(f.Path); err != nil {
			return false, err
		}
	}
	if !slices.ContainsFunc(row.Files, func(f report.FileRef) bool { return f.Path == last }) {
		return true, nil // a line
	}
	return true, t.removeFile(last)
}

// isAsNamed tells whether a report is what its row says, or is not there.
func (t *Tree) isAsNamed(row report.Row, name string) (bool, error) {
	i := slices.IndexFunc(row.Files, func(f report.FileRef) bool { return f.Path == name })
	in, err := t.realFolder(path.Dir(name))
	if errors.Is(err, fs.ErrNotExist) || i < 0 {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer in.close()
	data, err := in.read(reportName)
	if err != nil || data == nil {
		_, missing := in.root.Lstat(reportName)
		return missing != nil, err // what is no file is not ours
	}
	return fileRef(name, data) == row.Files[i], nil
}

// removeFile removes a regular file, and the folders above it that are empty
// then, up to those of the tree itself.
func (t *Tree) removeFile(name string) error {
	if !fs.ValidPath(name) {
		return nil
	}
	in, err := t.realFolder(path.Dir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := in.root.Lstat(path.Base(name))
	if err == nil && info.Mode().IsRegular() {
		err = in.remove(path.Base(name))
	}
	in.close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return t.top.fail("removing", name, err)
	}
	for dir := path.Dir(name); strings.Contains(dir, "/"); dir = path.Dir(dir) {
		if t.top.root.Remove(filepath.FromSlash(dir)) != nil { // it holds something
			break
		}
	}
	return nil
}

// realFolder opens a folder of the tree that no link leads to; fs.ErrNotExist
// is all else.
func (t *Tree) realFolder(name string) (folder, error) {
	at := ""
	for segment := range strings.SplitSeq(name, "/") {
		at = path.Join(at, segment)
		info, err := t.top.root.Lstat(filepath.FromSlash(at))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return folder{}, t.top.fail("opening", at, err)
		}
		if err != nil || !info.IsDir() {
			return folder{}, fs.ErrNotExist
		}
	}
	return t.top.open(name, false)
}

func isDir(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.IsDir()
}
