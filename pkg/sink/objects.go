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
	key := keyOf(where)
	defer t.aloneWith(key)()
	in, err := t.parents.get(t.top, path.Dir(where), true)
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
		t.top.disk.ahead.Store(true)
		if err := in.write(name, o.JSON); err != nil {
			return report.FileRef{}, err
		}
	}
	t.objectIsDone(key)
	return fileRef(where, o.JSON), nil
}

func keyOf(where string) objectKey {
	sum := sha256.Sum256([]byte(where))
	return objectKey(sum[:16])
}

// aloneWith waits until nobody else reads or writes an object; the func ends it.
func (t *Tree) aloneWith(key objectKey) func() {
	m := &t.objectWriting[int(key[0])%len(t.objectWriting)]
	m.Lock()
	return m.Unlock
}

func (t *Tree) objectIsDone(key objectKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.objects[key] = struct{}{}
}

func (t *Tree) objectDone(key objectKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, done := t.objects[key]
	return done
}

// keptObjects gives the object files of a row of the last index, as they are
// on disk, and as they now stay while this batch runs.
func (t *Tree) keptObjects(row report.Row) ([]report.FileRef, error) {
	var refs []report.FileRef
	for _, f := range row.Files {
		if !strings.HasPrefix(f.Path, objectsFolder+"/") || !fs.ValidPath(f.Path) {
			continue
		}
		data, err := t.keptObject(f.Path)
		if err != nil {
			return nil, err
		}
		if data != nil {
			refs = append(refs, fileRef(f.Path, data))
		}
	}
	return refs, nil
}

func (t *Tree) keptObject(where string) ([]byte, error) {
	key := keyOf(where)
	defer t.aloneWith(key)()
	in, err := t.top.open(path.Dir(where), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.close()
	data, err := in.read(path.Base(where))
	if data != nil {
		t.objectIsDone(key)
	}
	return data, err
}
