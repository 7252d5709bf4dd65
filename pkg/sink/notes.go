package sink

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"sync"

	"github.com/mlreport/mlreport/internal/offsets"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// notesFormat is the member `format` of the first line of the notes.
const notesFormat = "mlreport-notes/1"

// maxNote bounds one line.
const maxNote = 1 << 20

const usualNote = 512 // bytes: more than most lines take

// notes are what a batch writes down about places for the next one: a line
// each, behind a first line that says which program wrote them. They are about
// this machine and this moment (times of files), so that they stand in no
// index; who loses them has to read everything again.
type notes struct {
	old *os.File       // nil: there are none, or another program wrote them
	at  *offsets.Table // of lines of old, by place as it is written; nil: they are not to be relied on

	mu   sync.Mutex
	new  *os.File
	buf  *bufio.Writer
	line []byte // the last one, whose room the next one takes
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
	if at := offsets.New(info.Size()); scanNotes(file, t.o.Writer, at) {
		at.Ready()
		t.notes.at = at
	}
	return nil
}

// scanNotes learns where the notes are; false when they are not to be relied on.
func scanNotes(file io.Reader, writer string, at *offsets.Table) bool {
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
			at.Add(offset, string(place))
		}
		offset += int64(len(line))
	}
}

// get finds the note on a place; nil when there is none.
func (n *notes) get(place string) []byte {
	quoted := strconv.Quote(place)
	for offset := range n.at.Find(quoted) {
		if note, ok := bytes.CutPrefix(n.lineAt(offset), []byte(quoted+"\t")); ok {
			return note
		}
	}
	return nil
}

// lineAt reads one line, without its end; nil when it cannot be read.
func (n *notes) lineAt(offset int64) []byte {
	for _, room := range []int{usualNote, maxNote} {
		line := make([]byte, room)
		got, err := n.old.ReadAt(line, offset)
		if line, _, ok := bytes.Cut(line[:got], []byte{'\n'}); ok {
			return line
		}
		if err != nil {
			return nil
		}
	}
	return nil
}

// Note gives what the last batch noted on a place with AddNote; nil when there
// is nothing, or when it is not to be relied on.
func (t *Tree) Note(place string) []byte {
	if t.notes.at == nil {
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
	line := append(strconv.AppendQuote(t.notes.line[:0], place), '\t')
	t.notes.line = append(append(line, note...), '\n')
	_, err := t.notes.buf.Write(t.notes.line)
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
