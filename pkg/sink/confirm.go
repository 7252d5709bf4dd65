package sink

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/report"
)

// Confirm tells whether all files that a row of the last index names are there
// as it says, so that a report which would say the same need not be made. Files
// that lie there since before that index was written are known by their sizes,
// all others, and those of a tree whose last batch did not end in order, by
// their content. Where reports are lines, which are all written again, nothing
// is confirmed.
func (t *Tree) Confirm(row report.Row) (bool, error) {
	if err := checkPlace(row.Place); err != nil || len(row.Files) == 0 || t.o.Format.hasLines() {
		return false, err
	}
	defer t.alone(row.Place)()
	folderPath := path.Join(reportsFolder, row.Place)
	in, err := t.openFolder(folderPath)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.close()
	report := false
	for _, f := range row.Files {
		ok := false
		if name, own := strings.CutPrefix(f.Path, folderPath+"/"); own {
			report = report || name == reportName
			ok, err = t.confirmFile(in, name, f)
		} else if strings.HasPrefix(f.Path, objectsFolder+"/") {
			ok, err = t.confirmObject(f)
		}
		if err != nil || !ok {
			return false, err
		}
	}
	return report, nil
}

// openFolder opens the folder of a report that is there.
func (t *Tree) openFolder(name string) (folder, error) {
	above, err := t.parents.get(t.top, path.Dir(name), false)
	if err != nil {
		return folder{}, err
	}
	defer t.parents.giveBack(above)
	return above.open(path.Base(name), false)
}

// confirmFile compares a file with what the last index says about it.
func (t *Tree) confirmFile(in folder, name string, want report.FileRef) (bool, error) {
	info, err := in.root.Lstat(filepath.FromSlash(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, in.fail("reading", name, err)
	case !info.Mode().IsRegular() || info.Size() != want.Bytes:
		return false, nil
	case !t.unclean && info.ModTime().Before(t.oldTime):
		return true, nil
	}
	data, err := in.read(name)
	return err == nil && data != nil && fileRef(want.Path, data) == want, err
}

// confirmObject is confirmFile for a file that several rows may name: it then
// counts as written by this batch, so that all of them agree about it.
func (t *Tree) confirmObject(want report.FileRef) (bool, error) {
	if !fs.ValidPath(want.Path) {
		return false, nil
	}
	key := keyOf(want.Path)
	defer t.aloneWith(key)()
	in, err := t.parents.get(t.top, path.Dir(want.Path), false)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer t.parents.giveBack(in)
	name := path.Base(want.Path)
	if t.objectDone(key) {
		data, err := in.read(name)
		return err == nil && data != nil && fileRef(want.Path, data) == want, err
	}
	ok, err := t.confirmFile(in.folder, name, want)
	if ok {
		t.objectIsDone(key)
	}
	return ok, err
}

// ReadModel gives the MLmodel file that an earlier batch left at a place; nil
// when there is none that can be read.
func (t *Tree) ReadModel(place string) []byte {
	if checkPlace(place) != nil {
		return nil
	}
	in, err := t.openFolder(path.Join(reportsFolder, place))
	if err != nil {
		return nil
	}
	defer in.close()
	data, err := in.read(modelName)
	if err != nil {
		return nil
	}
	return data
}
