package report

import (
	"bufio"
	"bytes"
	"cmp"
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
	mu     sync.Mutex
	spool  Spool
	record func(Row) []byte
	buf    *bufio.Writer
	line   []byte
	size   int64
	keys   []rowKey
}

// rowKey orders a row and finds it in the spool.
type rowKey struct {
	model   unique.Handle[string] // versions of one model share its name
	version int64
	offset  int64
	line    int64
	length  int32 // of the row
	record  int32 // length of the record behind it
	entry   int32
}

// NewIndexWriter makes an IndexWriter on an empty spool. record is how a row
// stands in a second file, which EmitRecords writes, asked for one at a time;
// nil: there is none.
func NewIndexWriter(spool Spool, record func(Row) []byte) *IndexWriter {
	if record == nil {
		record = func(Row) []byte { return nil }
	}
	return &IndexWriter{spool: spool, record: record, buf: bufio.NewWriterSize(spool, 64<<10)}
}

// Add takes one row.
func (w *IndexWriter) Add(r Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = AppendRow(w.line[:0], r)
	if len(w.line) > maxRow {
		return fmt.Errorf("index row of %s: %d bytes: %w", r.URI, len(w.line), mlflow.ErrTooLarge)
	}
	row := len(w.line)
	w.line = append(w.line, w.record(r)...)
	if _, err := w.buf.Write(w.line); err != nil {
		return fmt.Errorf("index row of %s: %w", r.URI, err)
	}
	w.keys = append(w.keys, rowKey{
		model: w.modelOf(r), version: r.Version,
		offset: w.size, line: r.Line, length: int32(row), record: int32(len(w.line) - row), entry: int32(r.Entry),
	})
	w.size += int64(len(w.line))
	return nil
}

// modelOf is the name of a row's model, mostly that of the row before.
func (w *IndexWriter) modelOf(r Row) unique.Handle[string] {
	if n := len(w.keys); n > 0 && w.keys[n-1].model.Value() == r.Model {
		return w.keys[n-1].model
	}
	return unique.Make(r.Model)
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
	if err := w.ready(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(dst, 64<<10)
	fmt.Fprintf(out, `{"format": %q, "entries": [`, IndexFormat) // bufio keeps the first error for Flush
	for i, k := range w.keys {
		row, err := w.read(k.offset, k.length, w.line)
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
		if err := w.ready(); err != nil {
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

// EmitRecords writes the rows as their records, in the order of Emit.
func (w *IndexWriter) EmitRecords(dst io.Writer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(dst, 64<<10)
	for _, k := range w.keys {
		record, err := w.read(k.offset+int64(k.length), k.record, w.line)
		if err != nil {
			return err
		}
		w.line = record
		out.Write(record)
	}
	return out.Flush()
}

// ready brings the rows into the spool and into their order.
func (w *IndexWriter) ready() error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	return w.sort()
}

func (w *IndexWriter) read(offset int64, length int32, buf []byte) ([]byte, error) {
	buf = slices.Grow(buf[:0], int(length))[:length]
	if _, err := w.spool.ReadAt(buf, offset); err != nil {
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
		rowA, errA := w.read(a.offset, a.length, nil)
		rowB, errB := w.read(b.offset, b.length, nil)
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
