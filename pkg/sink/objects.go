package sink

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/mlreport/mlreport/pkg/report"
)

// An ObjectFile is one MLflow object in a file of its own.
type ObjectFile struct {
	Path string // below mlflow_objects, without `.json`: a kind, then a place, such as `runs/0123...`
	JSON []byte
}

// objectKey stands for a path in 16 bytes.
type objectKey [16]byte

// writeObjects writes each object that this batch has not written yet. The
// first content counts for the whole batch, so that all rows that name the
// file agree about it.
func (t *Tree) writeObjects(objects []ObjectFile) ([]report.FileRef, error) {
	var refs []report.FileRef
	for _, o := range objects {
		ref, err := t.writeObject(o)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

func (t *Tree) writeObject(o ObjectFile) (report.FileRef, error) {
	if err := checkPlace(o.Path); err != nil {
		return report.FileRef{}, err
	}
	where := path.Join(objectsFolder, o.Path) + ".json"
	sum := sha256.Sum256([]byte(where))
	key := objectKey(sum[:16])
	mutex := &t.objectWriting[int(key[0])%len(t.objectWriting)]
	mutex.Lock()
	defer mutex.Unlock()
	in, err := t.parents.get(t.top, path.Dir(where))
	if err != nil {
		return report.FileRef{}, err
	}
	defer t.parents.giveBack(in)
	name := path.Base(where)
	old, err := in.read(name)
	if err != nil {
		return report.FileRef{}, err
	}
	if old != nil && t.objectDone(key) {
		return fileRef(where, old), nil
	}
	if old == nil || !bytes.Equal(old, o.JSON) {
		if err := in.write(name, o.JSON); err != nil {
			return report.FileRef{}, err
		}
	}
	t.mu.Lock()
	t.objects[key] = struct{}{}
	t.mu.Unlock()
	return fileRef(where, o.JSON), nil
}

func (t *Tree) objectDone(key objectKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, done := t.objects[key]
	return done
}

// keptObjects gives the object files of a row of the last index, as they are
// on disk.
func (t *Tree) keptObjects(row report.Row) ([]report.FileRef, error) {
	var refs []report.FileRef
	for _, f := range row.Files {
		if !strings.HasPrefix(f.Path, objectsFolder+"/") || !fs.ValidPath(f.Path) {
			continue
		}
		in, err := t.top.open(path.Dir(f.Path), false)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		data, err := in.read(path.Base(f.Path))
		in.close()
		if err != nil {
			return nil, err
		}
		if data != nil {
			refs = append(refs, fileRef(f.Path, data))
		}
	}
	return refs, nil
}
