package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Spool keeps rows until the batch has ended: a temporary file.
type Spool interface {
	io.Writer
	io.ReaderAt
}

// An IndexWriter takes rows in any order while a batch runs and writes them in
// the order of index.json when it ends. How much memory it takes does not depend
// on how many rows there are: they wait in the spool. It is safe for concurrent use.
type IndexWriter struct {
	mu     sync.Mutex
	rows   spooledRows
	n      int
	record func(Row) []byte
}

// NewIndexWriter makes an IndexWriter on an empty spool. record is how a row
// stands in a second file, which EmitRecords writes, asked for one at a time;
// nil: there is none.
func NewIndexWriter(spool Spool, record func(Row) []byte) *IndexWriter {
	if record == nil {
		record = func(Row) []byte { return nil }
	}
	return &IndexWriter{rows: spooledRows{spool: spool}, record: record}
}

// Add takes one row.
func (w *IndexWriter) Add(r Row) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.rows.add(r, w.record(r)); err != nil {
		return err
	}
	w.n++
	return nil
}

// Len counts the rows.
func (w *IndexWriter) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// Emit writes index.json: one row per line, by entry of the manifest, model
// name in byte order and version as a number; rows that are equal in these by
// their text. The same rows give the same bytes in whatever order they came.
func (w *IndexWriter) Emit(dst io.Writer, x Index) error {
	out := bufio.NewWriterSize(dst, 64<<10)
	fmt.Fprintf(out, `{"format": %q, "entries": [`, IndexFormat) // bufio keeps the first error for Flush
	n := 0
	for r, err := range w.inOrder() {
		if err != nil {
			return err
		}
		writeItem(out, n, r.row)
		n++
	}
	writeTail(out, n, x)
	return out.Flush()
}

// Lines are the Row.Line of all rows, in the order of Emit.
func (w *IndexWriter) Lines() iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for r, err := range w.inOrder() {
			if err != nil {
				yield(0, err)
				return
			}
			if !yield(r.line, nil) {
				return
			}
		}
	}
}

// EmitRecords writes the rows as their records, in the order of Emit.
func (w *IndexWriter) EmitRecords(dst io.Writer) error {
	out := bufio.NewWriterSize(dst, 64<<10)
	for r, err := range w.inOrder() {
		if err != nil {
			return err
		}
		out.Write(r.record)
	}
	return out.Flush()
}

func (w *IndexWriter) inOrder() iter.Seq2[*spooledRow, error] {
	return func(yield func(*spooledRow, error) bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rows.inOrder()(yield)
	}
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
