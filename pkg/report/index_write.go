package report

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"unique"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Spool keeps rows until the batch has ended: a temporary file.
type Spool interface {
	io.Writer
	io.ReaderAt
}

// An IndexWriter takes rows in any order while a batch runs and writes them in
// the order of index.json when it ends. In memory it keeps about 40 bytes per
// row; the rows themselves are in the spool. It is safe for concurrent use.
type IndexWriter struct {
	mu    sync.Mutex
	spool Spool
	buf   *bufio.Writer
	line  []byte
	size  int64
	keys  []rowKey
}

// rowKey orders a row and finds it in the spool.
type rowKey struct {
	model   unique.Handle[string] // versions of one model share its name
	version int64
	offset  int64
	line    int64
	length  int32
	entry   int32
}

// NewIndexWriter makes an IndexWriter on an empty spool.
func NewIndexWriter(spool Spool) *IndexWriter {
	return &IndexWriter{spool: spool, buf: bufio.NewWriterSize(spool, 64<<10)}
}

// Add takes one row.
func (w *IndexWriter) Add(r Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = AppendRow(w.line[:0], r)
	if len(w.line) > maxRow {
		return fmt.Errorf("index row of %s: %d bytes: %w", r.URI, len(w.line), mlflow.ErrTooLarge)
	}
	if _, err := w.buf.Write(w.line); err != nil {
		return fmt.Errorf("index row of %s: %w", r.URI, err)
	}
	w.keys = append(w.keys, rowKey{
		model: unique.Make(r.Model), version: r.Version,
		offset: w.size, line: r.Line, length: int32(len(w.line)), entry: int32(r.Entry),
	})
	w.size += int64(len(w.line))
	return nil
}

// Len counts the rows.
func (w *IndexWriter) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.keys)
}

// Emit writes index.json: one row per line, by entry of the manifest, model
// name in byte order and version as a number; rows that are equal in these by
// their text. The same rows give the same bytes in whatever order they came.
func (w *IndexWriter) Emit(dst io.Writer, x Index) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.buf.Flush(); err != nil {
		return err
	}
	if err := w.sort(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(dst, 64<<10)
	fmt.Fprintf(out, `{"format": %q, "entries": [`, IndexFormat) // bufio keeps the first error for Flush
	for i, k := range w.keys {
		row, err := w.read(k, w.line)
		if err != nil {
			return err
		}
		w.line = row
		writeItem(out, i, row)
	}
	writeTail(out, len(w.keys), x)
	return out.Flush()
}

// Lines are the Row.Line of all rows, in the order of Emit.
func (w *IndexWriter) Lines() iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err := errors.Join(w.buf.Flush(), w.sort()); err != nil {
			yield(0, err)
			return
		}
		for _, k := range w.keys {
			if !yield(k.line, nil) {
				return
			}
		}
	}
}

func (w *IndexWriter) read(k rowKey, buf []byte) ([]byte, error) {
	buf = slices.Grow(buf[:0], int(k.length))[:k.length]
	if _, err := w.spool.ReadAt(buf, k.offset); err != nil {
		return nil, fmt.Errorf("reading spooled index rows: %w", err)
	}
	return buf, nil
}

func (w *IndexWriter) sort() error {
	var failed error
	slices.SortFunc(w.keys, func(a, b rowKey) int {
		if c := compareKeys(a, b); c != 0 || a.offset == b.offset || failed != nil {
			return c
		}
		// Two rows of one entry without a version, which is rare.
		rowA, errA := w.read(a, nil)
		rowB, errB := w.read(b, nil)
		failed = cmp.Or(errA, errB)
		return bytes.Compare(rowA, rowB)
	})
	return failed
}

func compareKeys(a, b rowKey) int {
	if c := cmp.Compare(a.entry, b.entry); c != 0 {
		return c
	}
	if a.model != b.model { // handles compare fast
		return cmp.Compare(a.model.Value(), b.model.Value())
	}
	return cmp.Compare(a.version, b.version)
}

func writeTail(out *bufio.Writer, rows int, x Index) {
	closeList(out, rows)
	out.WriteString(",\n\"selectors\": [")
	for i, s := range x.Selectors {
		writeItem(out, i, mlflow.JSON{}.Append(nil, s.object()))
	}
	closeList(out, len(x.Selectors))
	hosts := &mlflow.Object{}
	for _, h := range slices.SortedFunc(slices.Values(x.Hosts), func(a, b Host) int { return cmp.Compare(a.Name, b.Name) }) {
		hosts.Set(h.Name, h.object())
	}
	out.WriteString(",\n\"hosts\": ")
	out.Write(mlflow.JSON{}.Append(nil, hosts))
	out.WriteString("}\n")
}

func writeItem(out *bufio.Writer, i int, item []byte) {
	if i > 0 {
		out.WriteByte(',')
	}
	out.WriteByte('\n')
	out.Write(item)
}

func closeList(out *bufio.Writer, n int) {
	if n > 0 {
		out.WriteByte('\n')
	}
	out.WriteByte(']')
}
