package bulk

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	// IndexName is the file that says where each line is.
	IndexName = "index.jsonl"

	// FileBytes is after how many compressed bytes a file ends.
	FileBytes = 256 << 20

	frameBytes = 1 << 20 // of lines, after which a frame ends
	maxLine    = 1 << 30 // bytes

	spoolWindow = 128 << 10 // bytes in which an encoder looks for what repeats: it holds as many
)

// fileName is the name of the nth file.
func fileName(n int) string { return fmt.Sprintf("reports-%05d.jsonl.zst", n) }

// A Spool keeps lines until all are there: a temporary file.
type Spool interface {
	io.Writer
	io.ReaderAt
}

// A Writer takes lines in any order and writes them in one. In memory it keeps
// nothing of them: they lie compressed in the spool. Add is safe for concurrent
// use.
type Writer struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder

	mu    sync.Mutex
	spool Spool
	buf   *bufio.Writer
	size  int64
}

// NewWriter makes a Writer on an empty spool.
func NewWriter(spool Spool) (*Writer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(spoolWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	decoder, err := newDecoder()
	return &Writer{encoder: encoder, decoder: decoder, spool: spool, buf: bufio.NewWriterSize(spool, 64<<10)}, err
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxLine+frameBytes), zstd.WithDecoderLowmem(true))
}

// headBytes is the size of what stands before a spooled line: the lengths of
// its place and of its compressed text.
const headBytes = 8

// Add takes a line, without its end, and returns the number that Emit knows it
// by, which is never 0.
func (w *Writer) Add(place string, line []byte) (number int64, err error) {
	packed := w.encoder.EncodeAll(line, make([]byte, 0, len(line)/2))
	var head [headBytes]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(place)))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(packed)))
	w.mu.Lock()
	defer w.mu.Unlock()
	number = w.size + 1
	w.size += int64(headBytes + len(place) + len(packed))
	_, a := w.buf.Write(head[:])
	_, b := w.buf.WriteString(place)
	_, c := w.buf.Write(packed)
	return number, errors.Join(a, b, c)
}

// get reads a line back.
func (w *Writer) get(number int64, into []byte) (place string, line []byte, err error) {
	var head [headBytes]byte
	if _, err := w.spool.ReadAt(head[:], number-1); err != nil {
		return "", nil, err
	}
	name := int(binary.LittleEndian.Uint32(head[:]))
	data := make([]byte, name+int(binary.LittleEndian.Uint32(head[4:])))
	if _, err := w.spool.ReadAt(data, number-1+headBytes); err != nil {
		return "", nil, err
	}
	line, err = w.decoder.DecodeAll(data[name:], into[:0])
	return string(data[:name]), line, err
}

// Emit writes all files. Lines come in the order of their numbers in order;
// 0, for what has no line, is passed over. write makes the file of a name with
// what emit writes; the file of the index is open while the others are written.
// The same lines in the same order give the same bytes. After fileBytes
// compressed bytes (0: FileBytes) the next file begins.
func (w *Writer) Emit(order iter.Seq2[int64, error], fileBytes int64, write func(name string, emit func(io.Writer) error) error) error {
	if err := w.buf.Flush(); err != nil {
		return err
	}
	if fileBytes == 0 {
		fileBytes = FileBytes
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(frameBytes))
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(withLine(order))
	defer stop()
	return write(IndexName, func(out io.Writer) error {
		e := emitter{Writer: w, next: next, encoder: encoder, index: bufio.NewWriterSize(out, 64<<10), limit: fileBytes}
		for n := 0; e.peek(); n++ {
			e.name = fileName(n)
			if err := write(e.name, e.file); err != nil {
				return err
			}
		}
		return errors.Join(e.err, e.index.Flush())
	})
}

// withLine leaves out what has no line.
func withLine(order iter.Seq2[int64, error]) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for number, err := range order {
			if (number != 0 || err != nil) && !yield(number, err) {
				return
			}
		}
	}
}

// An emitter writes files one after the other.
type emitter struct {
	*Writer
	next    func() (int64, error, bool)
	encoder *zstd.Encoder
	index   *bufio.Writer
	limit   int64

	number  int64 // of the line that comes next; 0: not looked yet
	err     error // of order
	name    string
	line    []byte
	frame   []byte // lines of the frame under way
	entries []entry
	packed  []byte
}

// An entry is one line of the index, as far as it is known before its frame ends.
type entry struct {
	place         string
	offset, bytes int
	sha256        [sha256.Size]byte
}

// peek tells whether there is one more line.
func (e *emitter) peek() bool {
	if e.number == 0 && e.err == nil {
		e.number, e.err, _ = e.next()
	}
	return e.number != 0 && e.err == nil
}

// file writes one file.
func (e *emitter) file(out io.Writer) error {
	for size := int64(0); size < e.limit && e.peek(); {
		if err := e.fill(); err != nil {
			return err
		}
		e.packed = e.encoder.EncodeAll(e.frame, e.packed[:0])
		if _, err := out.Write(e.packed); err != nil {
			return err
		}
		e.note(size)
		size += int64(len(e.packed))
	}
	return e.err
}

// fill takes the lines of one frame.
func (e *emitter) fill() error {
	e.frame, e.entries = e.frame[:0], e.entries[:0]
	for len(e.frame) < frameBytes && e.peek() {
		place, line, err := e.get(e.number, e.line)
		if err != nil {
			return fmt.Errorf("reading spooled lines: %w", err)
		}
		e.line, e.number = line, 0
		e.entries = append(e.entries, entry{place, len(e.frame), len(line), sha256.Sum256(line)})
		e.frame = append(append(e.frame, line...), '\n')
	}
	return e.err
}

// note writes the index of the frame that has been written at a byte of the file.
func (e *emitter) note(at int64) {
	for _, x := range e.entries {
		e.index.Write(mlflow.JSON{}.Append(nil, mlflow.NewObject( // bufio keeps the first error for Flush
			mlflow.Member{Key: "place", Value: x.place},
			mlflow.Member{Key: "file", Value: e.name},
			mlflow.Member{Key: "frame", Value: mlflow.Integer(at)},
			mlflow.Member{Key: "frame_bytes", Value: mlflow.Integer(int64(len(e.packed)))},
			mlflow.Member{Key: "offset", Value: mlflow.Integer(int64(x.offset))},
			mlflow.Member{Key: "bytes", Value: mlflow.Integer(int64(x.bytes))},
			mlflow.Member{Key: "sha256", Value: hex.EncodeToString(x.sha256[:])})))
		e.index.WriteByte('\n')
	}
}

// Close gives back what the Writer holds, but not the spool.
func (w *Writer) Close() {
	w.decoder.Close()
}
