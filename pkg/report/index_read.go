package report

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxRow bounds one row of an index, and what stands behind the rows.
const maxRow = 64 << 20

// An IndexReader finds rows of an index.json by place and by URI without
// holding them: 16 bytes per place and per distinct URI of a row are in
// memory, rows are read when they are asked for. It is safe for concurrent use.
type IndexReader struct {
	// Index is what stands beside the rows.
	Index Index

	src  io.ReaderAt
	size int64
	seed maphash.Seed
	keys []lookup // by hash, then offset
	rows int

	decoding sync.Mutex // the library sets up how a type is read while it is first read
}

// lookup says that the row at offset may be one whose place or URI has this hash.
type lookup struct {
	hash   uint64
	offset int64
}

// rowNames is what a row is found by.
type rowNames struct {
	Host  string   `json:"host"`
	URI   string   `json:"uri"`
	Place string   `json:"place"`
	URIs  []string `json:"uris"`
}

// ReadIndex reads an index.json once, to find its rows later. Text that is not
// strict JSON, a repeated key or another format (ErrIndexFormat) is an error.
// src must stay as it is while the reader is used.
func ReadIndex(src io.ReaderAt, size int64) (*IndexReader, error) {
	r := &IndexReader{src: src, size: size, seed: maphash.MakeSeed()}
	x, err := r.scan(func(offset int64, v jsontext.Value) error {
		row, err := decodeRow[rowNames](v)
		r.rows++
		r.learn(offset, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Index = x
	slices.SortFunc(r.keys, func(a, b lookup) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.offset, b.offset))
	})
	r.keys = slices.Compact(r.keys)
	return r, nil
}

// Len counts the rows.
func (r *IndexReader) Len() int { return r.rows }

// All streams the rows in order.
func (r *IndexReader) All() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		_, err := r.scan(func(_ int64, v jsontext.Value) error {
			row, err := decodeRow[Row](v)
			if err == nil && !yield(row, nil) {
				err = errStop
			}
			return err
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Row{}, err)
		}
	}
}

// ByPlace finds the row whose report lies at place; false when there is none.
func (r *IndexReader) ByPlace(place string) (Row, bool, error) {
	for row, err := range r.find(r.hash(place)) {
		if err != nil || row.Place == place {
			return row, err == nil, err
		}
	}
	return Row{}, false, nil
}

// ByURI streams the rows of a host that were resolved to uri or asked for by it.
func (r *IndexReader) ByURI(host, uri string) iter.Seq2[Row, error] {
	uri = asWritten(uri)
	return func(yield func(Row, error) bool) {
		for row, err := range r.find(r.hash(host, uri)) {
			if err == nil && (row.Host != host || row.URI != uri && !slices.Contains(row.URIs, uri)) {
				continue
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// asWritten is text as JSON can hold it.
func asWritten(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func (r *IndexReader) hash(parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	for _, p := range parts {
		h.WriteString(p)
		h.WriteByte(0xff) // in no text
	}
	return h.Sum64()
}

func (r *IndexReader) learn(offset int64, row rowNames) {
	if row.Place != "" {
		r.keys = append(r.keys, lookup{r.hash(row.Place), offset})
	}
	r.keys = append(r.keys, lookup{r.hash(row.Host, row.URI), offset})
	for _, u := range row.URIs {
		if u != row.URI {
			r.keys = append(r.keys, lookup{r.hash(row.Host, u), offset})
		}
	}
}

// find streams the rows that were learned under a hash.
func (r *IndexReader) find(hash uint64) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		i, _ := slices.BinarySearchFunc(r.keys, hash, func(k lookup, h uint64) int { return cmp.Compare(k.hash, h) })
		for ; i < len(r.keys) && r.keys[i].hash == hash; i++ {
			row, err := r.rowAt(r.keys[i].offset)
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (r *IndexReader) rowAt(offset int64) (Row, error) {
	d := jsontext.NewDecoder(io.NewSectionReader(r.src, offset, min(r.size-offset, maxRow)))
	v, err := d.ReadValue()
	if err != nil {
		return Row{}, indexError(offset, err)
	}
	r.decoding.Lock()
	defer r.decoding.Unlock()
	row, err := decodeRow[Row](v)
	if err != nil {
		return Row{}, indexError(offset, err)
	}
	return row, nil
}

// decodeRow reads a row or a part of it. Members without a field are those of
// a later mlreport.
func decodeRow[T any](v jsontext.Value) (T, error) {
	var row T
	if v.Kind() != '{' {
		return row, errors.New("a row that is not an object")
	}
	err := json.Unmarshal(v, &row)
	return row, err
}

func indexError(offset int64, err error) error {
	return fmt.Errorf("index.json, byte %d: %w", offset, err)
}
