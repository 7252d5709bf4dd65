package sink

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// filesFolder holds the copies of files of a model and its run, in the folder
// of its report.
const filesFolder = "files"

// filesMember is the section of a report that names its copies.
const filesMember = "files"

// A StagedFile is the copy of a file that WriteReport is to take over. It waits
// under a temporary name, unless an equal one lies there already.
type StagedFile struct {
	Ref   report.FileRef // Path: below the report's folder, as FilePlaces gave it
	fresh bool           // it waits under its temporary name
}

// FilePlaces gives files their places below a report's folder, by their paths,
// which are equal on every system: their segments follow Encode, with `~` and a
// hash where several in one folder differ by case only.
func FilePlaces(paths []string) map[string]string {
	p := NewPlaces("")
	out := make(map[string]string, len(paths))
	for _, file := range slices.Sorted(slices.Values(paths)) {
		place := filesFolder
		top := ""
		for s := range strings.SplitSeq(file, "/") {
			place = join(place, p.segment(place, s, isDevice(s)))
			if top == "" {
				top = place
			}
		}
		if len(place) > maxPlace {
			place = join(top, p.segment(top, file, false))
		}
		out[file] = place
	}
	return out
}

// Stage takes the copy of a file for the report of a place. Without a
// WriteReport that takes it over, Unstage must follow.
func (t *Tree) Stage(place, file string, data []byte) (StagedFile, error) {
	s := StagedFile{Ref: fileRef(file, data)}
	in, err := t.fileFolder(place, file, true)
	if err != nil {
		return s, err
	}
	defer in.close()
	name := path.Base(file)
	old, err := in.read(name)
	if err != nil || old != nil && bytes.Equal(old, data) {
		return s, err
	}
	s.fresh = true
	return s, in.prepareData(name, data)
}

// Unstage removes what waits for a report that will not come.
func (t *Tree) Unstage(place string, files []StagedFile) {
	for _, s := range files {
		if !s.fresh {
			continue
		}
		in, err := t.fileFolder(place, s.Ref.Path, false)
		if err != nil {
			t.top.disk.dirty.Store(true) // the next batch sweeps it up
			continue
		}
		in.drop(path.Base(s.Ref.Path))
		in.close()
	}
}

// fileFolder opens the folder of a copy.
func (t *Tree) fileFolder(place, file string, make bool) (folder, error) {
	if err := checkPlace(place); err != nil {
		return folder{}, err
	}
	if !fs.ValidPath(file) || !strings.HasPrefix(file, filesFolder+"/") {
		return folder{}, fmt.Errorf("%q is not a file of a report: %w", file, mlflow.ErrInvalid)
	}
	return t.top.open(path.Join(reportsFolder, place, path.Dir(file)), make)
}

// settle gives the copies of a report their names.
func (p present) settle(files []StagedFile) error {
	for _, s := range files {
		if !s.fresh {
			continue
		}
		in, err := p.in.open(path.Dir(s.Ref.Path), false)
		if err == nil {
			err = in.rename(path.Base(s.Ref.Path))
			in.close()
		}
		if err != nil {
			return p.in.fail("writing", s.Ref.Path, err)
		}
	}
	return nil
}

// gone lists the copies that a report no longer has.
func (p present) gone(r Report) []string {
	return slices.DeleteFunc(slices.Clone(p.files), func(name string) bool {
		return slices.ContainsFunc(r.Files, func(s StagedFile) bool { return s.Ref.Path == name })
	})
}

// drop removes copies, and the folders that are empty then.
func (p present) drop(files []string) error {
	for _, name := range files {
		if err := p.in.remove(name); err != nil {
			return err
		}
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if p.in.root.Remove(dir) != nil { // it holds something
				break
			}
		}
	}
	return nil
}

// listFiles lists the copies that lie in a report's folder, those under
// temporary names aside.
func (f folder) listFiles() ([]string, error) {
	info, err := f.root.Lstat(filesFolder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, nil
	}
	var list []string
	if err == nil {
		err = fs.WalkDir(f.root.FS(), filesFolder, func(name string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !isTemp(e.Name()) {
				list = append(list, name)
			}
			return err
		})
	}
	return list, f.fail("listing", filesFolder, err)
}

// keptFiles are the copies of a report that stays.
func (p present) keptFiles() ([]report.FileRef, error) {
	var refs []report.FileRef
	for _, name := range p.files {
		data, err := p.in.read(name)
		if err != nil {
			return nil, err
		}
		if data != nil {
			refs = append(refs, fileRef(path.Join(p.in.path, name), data))
		}
	}
	return refs, nil
}

// lostFiles names the copies that an earlier report had, now or when the last
// index was written, and that this one has no more though they are wanted: as
// `files/` and the path that the store has for the file.
func (p present) lostFiles(r Report) []string {
	var had []string
	for _, s := range p.row.Lost {
		if name, ok := strings.CutPrefix(s, filesMember+"/"); ok {
			had = append(had, name)
		}
	}
	if p.json != nil && !p.same && len(p.files) > 0 {
		old, _ := decodeReport(p.json) // what cannot be read has nothing to lose
		for name, file := range old.Object(filesMember).All() {
			if o, ok := file.(*mlflow.Object); ok && o.Has("sha256") {
				had = append(had, name)
			}
		}
	}
	if len(had) == 0 || r.Wants == nil {
		return nil
	}
	now, _ := decodeReport(r.JSON)
	files := now.Object(filesMember)
	var lost []string
	for _, name := range had {
		if !files.Has(name) && r.Wants(name) {
			lost = append(lost, filesMember+"/"+name)
		}
	}
	return lost
}
