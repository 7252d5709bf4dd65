package bulk

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Reader finds lines by place: 16 bytes per line are in memory, all else is
// read when it is asked for. It is safe for concurrent use.
type Reader struct {
	root    *os.Root
	index   *os.File
	decoder *zstd.Decoder
	seed    maphash.Seed
	keys    []lookup // by hash

	mu     sync.Mutex
	recent []frame // decompressed; the newest last
}

// lookup says that the entry at offset of the index may be that of a place of this hash.
type lookup struct {
	hash   uint64
	offset int64
}

// A frame is one that was read: neighbours are mostly asked for together.
type frame struct {
	file string
	at   int64
	data []byte
}

const keptFrames = 4

// A position is a line of the index.
type position struct {
	Place, File string
	Frame       int64
	FrameBytes  int64 `json:"frame_bytes"`
	Offset      int64
	Bytes       int64
	SHA256      string
}

const maxEntry = 1 << 20 // bytes of a line of the index

// Open opens a folder that a Writer filled; nil when there is no index in it.
// root must stay open as long as the Reader, whose Close leaves it alone.
func Open(root *os.Root) (*Reader, error) {
	file, err := root.Open(IndexName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Reader{root: root, index: file, seed: maphash.MakeSeed()}
	if err := r.scan(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", IndexName, err), file.Close())
	}
	if r.decoder, err = newDecoder(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

// Close closes what Open opened.
func (r *Reader) Close() error {
	r.decoder.Close()
	return r.index.Close()
}

// scan learns where the entries of the index are.
func (r *Reader) scan() error {
	lines := bufio.NewScanner(r.index)
	lines.Buffer(make([]byte, 64<<10), maxEntry)
	offset := int64(0)
	for lines.Scan() {
		var p position
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return err
		}
		r.keys = append(r.keys, lookup{maphash.String(r.seed, p.Place), offset})
		offset += int64(len(lines.Bytes())) + 1
	}
	slices.SortFunc(r.keys, func(a, b lookup) int { return cmp.Compare(a.hash, b.hash) })
	return lines.Err()
}

// Line returns the line of a place; nil when there is none. A line that does
// not have the sum of the index is an error.
func (r *Reader) Line(place string) ([]byte, error) {
	p, ok, err := r.find(place)
	if err != nil || !ok {
		return nil, err
	}
	data, err := r.frame(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.File, err)
	}
	if p.Offset < 0 || p.Bytes < 0 || p.Offset > int64(len(data)) || p.Bytes > int64(len(data))-p.Offset {
		return nil, fmt.Errorf("%s has no line of %s: %w", p.File, place, mlflow.ErrInvalid)
	}
	line := data[p.Offset : p.Offset+p.Bytes]
	if sum := sha256.Sum256(line); hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, fmt.Errorf("%s holds another line of %s than the index says: %w", p.File, place, mlflow.ErrInvalid)
	}
	return bytes.Clone(line), nil
}

func (r *Reader) find(place string) (position, bool, error) {
	hash := maphash.String(r.seed, place)
	i, _ := slices.BinarySearchFunc(r.keys, hash, func(k lookup, h uint64) int { return cmp.Compare(k.hash, h) })
	for ; i < len(r.keys) && r.keys[i].hash == hash; i++ {
		var p position
		entry := io.NewSectionReader(r.index, r.keys[i].offset, maxEntry)
		if err := json.NewDecoder(entry).Decode(&p); err != nil {
			return p, false, fmt.Errorf("%s: %w", IndexName, err)
		}
		if p.Place == place {
			return p, true, nil
		}
	}
	return position{}, false, nil
}

// frame reads the frame that a line is in.
func (r *Reader) frame(p position) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.recent {
		if f.file == p.File && f.at == p.Frame {
			return f.data, nil
		}
	}
	if !filepath.IsLocal(p.File) || p.FrameBytes < 0 || p.FrameBytes > maxLine {
		return nil, mlflow.ErrInvalid
	}
	file, err := r.root.Open(p.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	packed, err := io.ReadAll(io.NewSectionReader(file, p.Frame, p.FrameBytes))
	if err != nil {
		return nil, err
	}
	data, err := r.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	if len(r.recent) == keptFrames {
		r.recent = slices.Delete(r.recent, 0, 1)
	}
	r.recent = append(r.recent, frame{p.File, p.Frame, data})
	return data, nil
}
