package report

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// heldBytes is how much text of rows is held until it is sorted and spooled.
const heldBytes = 2 << 20

// runBuffer is what is read at once of each run when they are merged.
const runBuffer = 8 << 10

// spooledRows puts any number of rows in order with a memory that does not
// grow with them: some thousand rows are held, sorted and written to the spool
// as a run, and the runs are merged when the rows are asked for. A batch that
// is no longer than one run never touches the spool.
type spooledRows struct {
	spool Spool
	size  int64 // of the spool

	text []byte // of the rows that are held, one behind the other
	keys []rowKey
	runs []section
}

// rowKey orders a row that is held and finds it in the text.
type rowKey struct {
	version, line      int64
	at                 int   // where its model's name begins; behind it stand its row and its record
	model, row, record int32 // their lengths
	entry              int32
}

type section struct{ offset, length int64 }

// A spooledRow is a row on its way into the index; its bytes are good until
// the next one.
type spooledRow struct {
	entry         int32
	version, line int64
	model         []byte
	row, record   []byte // as in index.json, and in the second file
}

func compareRows(a, b *spooledRow) int {
	if c := cmp.Compare(a.entry, b.entry); c != 0 {
		return c
	}
	if c := bytes.Compare(a.model, b.model); c != 0 {
		return c
	}
	if c := cmp.Compare(a.version, b.version); c != 0 {
		return c
	}
	return bytes.Compare(a.row, b.row)
}

// add takes a row and its record.
func (s *spooledRows) add(r Row, record []byte) error {
	if s.text == nil { // pages of it that no row comes to cost nothing
		s.text = make([]byte, 0, heldBytes+usualRow)
	}
	at := len(s.text)
	s.text = append(s.text, r.Model...)
	row := len(s.text)
	s.text = AppendRow(s.text, r)
	length := len(s.text) - row
	if length > maxRow {
		s.text = s.text[:at]
		return fmt.Errorf("index row of %s: %d bytes: %w", r.URI, length, mlflow.ErrTooLarge)
	}
	s.text = append(s.text, record...)
	s.keys = append(s.keys, rowKey{
		version: r.Version, line: r.Line, at: at, entry: int32(r.Entry),
		model: int32(row - at), row: int32(length), record: int32(len(record)),
	})
	if len(s.text) < heldBytes {
		return nil
	}
	return s.flush()
}

func (s *spooledRows) held(k rowKey) spooledRow {
	row := k.at + int(k.model)
	record := row + int(k.row)
	return spooledRow{
		entry: k.entry, version: k.version, line: k.line,
		model: s.text[k.at:row], row: s.text[row:record], record: s.text[record : record+int(k.record)],
	}
}

// sort puts the rows that are held in order.
func (s *spooledRows) sort() {
	slices.SortFunc(s.keys, func(a, b rowKey) int {
		x, y := s.held(a), s.held(b)
		return compareRows(&x, &y)
	})
}

// flush makes a run of the rows that are held.
func (s *spooledRows) flush() error {
	s.sort()
	out := bufio.NewWriterSize(s.spool, 64<<10)
	run := section{offset: s.size}
	var head []byte
	for _, k := range s.keys {
		r := s.held(k)
		head = r.appendHead(head[:0])
		run.length += int64(len(head) + len(r.model) + len(r.row) + len(r.record))
		for _, part := range [][]byte{head, r.model, r.row, r.record} {
			out.Write(part) // bufio keeps the first error for Flush
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("spooling index rows: %w", err)
	}
	s.size += run.length
	s.runs = append(s.runs, run)
	s.text, s.keys = s.text[:0], s.keys[:0]
	if cap(s.text) > 2*heldBytes { // of a huge row
		s.text = nil
	}
	return nil
}

// inOrder ranges over all rows in order.
func (s *spooledRows) inOrder() iter.Seq2[*spooledRow, error] {
	return func(yield func(*spooledRow, error) bool) {
		s.sort()
		h := cursors{&cursor{rest: s.keys, rows: s}}
		for _, r := range s.runs {
			h = append(h, &cursor{spool: bufio.NewReaderSize(io.NewSectionReader(s.spool, r.offset, r.length), runBuffer)})
		}
		open := h[:0]
		for _, c := range h {
			if more, err := c.next(); err != nil {
				yield(nil, err)
				return
			} else if more {
				open = append(open, c)
			}
		}
		heap.Init(&open)
		for len(open) > 0 {
			if !yield(&open[0].now, nil) {
				return
			}
			more, err := open[0].next()
			if err != nil {
				yield(nil, err)
				return
			}
			if more {
				heap.Fix(&open, 0)
			} else {
				heap.Pop(&open)
			}
		}
	}
}

// A cursor goes through the rows of a run, or through those that are held.
type cursor struct {
	now spooledRow

	rest []rowKey // held
	rows *spooledRows

	spool *bufio.Reader // of a run; nil: held
	buf   []byte
}

// next goes to the next row; false at the end.
func (c *cursor) next() (bool, error) {
	if c.spool == nil {
		if len(c.rest) == 0 {
			return false, nil
		}
		c.now, c.rest = c.rows.held(c.rest[0]), c.rest[1:]
		return true, nil
	}
	head := make([]byte, headBytes)
	if _, err := io.ReadFull(c.spool, head); err == io.EOF {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("reading spooled index rows: %w", err)
	}
	model, row, record := c.now.takeHead(head)
	c.buf = slices.Grow(c.buf[:0], model+row+record)[:model+row+record]
	if _, err := io.ReadFull(c.spool, c.buf); err != nil {
		return false, fmt.Errorf("reading spooled index rows: %w", err)
	}
	c.now.model, c.now.row, c.now.record = c.buf[:model], c.buf[model:model+row], c.buf[model+row:]
	return true, nil
}

// headBytes is the length of what stands before a row in the spool.
const headBytes = 8 + 8 + 4*4

func (r *spooledRow) appendHead(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.version))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.line))
	for _, n := range []int{int(r.entry), len(r.model), len(r.row), len(r.record)} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return dst
}

// takeHead reads what appendHead wrote; the lengths are those of what follows.
func (r *spooledRow) takeHead(head []byte) (model, row, record int) {
	r.version, r.line = int64(binary.LittleEndian.Uint64(head)), int64(binary.LittleEndian.Uint64(head[8:]))
	number := func(i int) int { return int(int32(binary.LittleEndian.Uint32(head[16+4*i:]))) }
	r.entry = int32(number(0))
	return number(1), number(2), number(3)
}

// cursors is a heap: the cursor with the first row is on top.
type cursors []*cursor

func (c cursors) Len() int           { return len(c) }
func (c cursors) Less(i, j int) bool { return compareRows(&c[i].now, &c[j].now) < 0 }
func (c cursors) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(x any)        { *c = append(*c, x.(*cursor)) }
func (c *cursors) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}
