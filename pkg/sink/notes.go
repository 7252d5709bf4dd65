package sink

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// notesFormat is the member `format` of the first line of the notes.
const notesFormat = "mlreport-notes/1"

// maxNote bounds one line.
const maxNote = 1 << 20

// notes are what a batch writes down about places for the next one: a line
// each, behind a first line that says which program wrote them. They are about
// this machine and this moment (times of files), so that they stand in no
// index; who loses them has to read everything again.
type notes struct {
	seed maphash.Seed
	old  *os.File // nil: there are none, or another program wrote them
	keys []noteKey

	mu  sync.Mutex
	new *os.File
	buf *bufio.Writer
}

// noteKey finds the line of a place.
type noteKey struct {
	hash   uint64
	offset int64
	length int32
}

// openNotes reads what the last batch noted. Notes of another program, and
// damaged ones, are none.
func (t *Tree) openNotes() error {
	info, err := t.top.root.Lstat(notesName)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	file, err := t.top.root.Open(notesName)
	if err != nil {
		return t.top.fail("reading", notesName, err)
	}
	t.notes.old = file
	if !t.notes.scan(file, t.o.Writer) {
		t.notes.keys = nil
	}
	slices.SortFunc(t.notes.keys, func(a, b noteKey) int { return cmp.Compare(a.hash, b.hash) })
	return nil
}

// scan learns where the notes are; false when they are not to be relied on.
func (n *notes) scan(file io.Reader, writer string) bool {
	lines := bufio.NewReaderSize(file, maxNote)
	var offset int64
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return err == io.EOF && len(line) == 0
		}
		if offset == 0 {
			head, err := mlflow.DecodeJSON(line)
			if err != nil || head.Text("format") != notesFormat || head.Text("writer") != writer {
				return false
			}
		} else {
			place, _, _ := bytes.Cut(line, []byte{'\t'})
			n.keys = append(n.keys, noteKey{maphash.Bytes(n.seed, place), offset, int32(len(line))})
		}
		offset += int64(len(line))
	}
}

// get finds the note on a place; nil when there is none.
func (n *notes) get(place string) []byte {
	quoted := strconv.Quote(place)
	hash := maphash.String(n.seed, quoted)
	i, _ := slices.BinarySearchFunc(n.keys, hash, func(k noteKey, h uint64) int { return cmp.Compare(k.hash, h) })
	for ; i < len(n.keys) && n.keys[i].hash == hash; i++ {
		line := make([]byte, n.keys[i].length)
		if _, err := n.old.ReadAt(line, n.keys[i].offset); err != nil {
			return nil
		}
		if note, ok := bytes.CutPrefix(line, []byte(quoted+"\t")); ok {
			return note[:len(note)-1]
		}
	}
	return nil
}

// Note gives what the last batch noted on a place with AddNote; nil when there
// is nothing, or when it is not to be relied on.
func (t *Tree) Note(place string) []byte {
	if t.notes.old == nil {
		return nil
	}
	return t.notes.get(place)
}

// AddNote notes something on a place for the next batch: text without line
// ends. Commit keeps the notes of this batch and forgets all others.
func (t *Tree) AddNote(place string, note []byte) error {
	t.notes.mu.Lock()
	defer t.notes.mu.Unlock()
	if t.notes.new == nil {
		if err := t.startNotes(); err != nil {
			return t.top.fail("writing", notesName, err)
		}
	}
	line := append(strconv.AppendQuote(nil, place), '\t')
	_, err := t.notes.buf.Write(append(append(line, note...), '\n'))
	return t.top.fail("writing", notesName, err)
}

func (t *Tree) startNotes() error {
	file, err := t.top.create(notesName)
	if err != nil {
		return err
	}
	t.notes.new, t.notes.buf = file, bufio.NewWriterSize(file, 64<<10)
	head := mlflow.NewObject(mlflow.Member{Key: "format", Value: notesFormat}, mlflow.Member{Key: "writer", Value: t.o.Writer})
	_, err = t.notes.buf.Write(append(mlflow.JSON{}.Append(nil, head), '\n'))
	return err
}

// keepNotes puts the notes of this batch in the place of the old ones.
func (t *Tree) keepNotes() error {
	if t.notes.new == nil {
		if t.notes.old == nil {
			return nil
		}
		return t.top.remove(notesName)
	}
	err := errors.Join(t.notes.buf.Flush(), t.notes.new.Close())
	t.notes.new = nil
	if t.notes.old != nil { // Windows does not rename over an open file
		t.notes.old.Close()
		t.notes.old = nil
	}
	if err != nil {
		t.top.drop(notesName)
		return t.top.fail("writing", notesName, err)
	}
	wrote := t.top.disk.wrote.Load()
	err = t.top.rename(notesName)
	t.top.disk.wrote.Store(wrote) // notes need not be durable
	return err
}

// closeNotes forgets the notes of a batch that did not commit.
func (t *Tree) closeNotes() {
	if t.notes.old != nil {
		t.notes.old.Close()
	}
	if t.notes.new != nil {
		t.notes.new.Close()
		t.top.drop(notesName)
	}
	t.notes.old, t.notes.new = nil, nil
}
