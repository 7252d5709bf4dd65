package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mlreport/mlreport/internal/offsets"
)

// maxRow bounds one row of an index, and what stands behind the rows.
const maxRow = 64 << 20

const usualRow = 2 << 10 // more than most rows take

// An IndexReader finds rows of an index.json by place and by URI without
// holding them: 8 bytes per place and per distinct URI of a row are in
// memory, rows are read when they are asked for. It is safe for concurrent use.
type IndexReader struct {
	// Index is what stands beside the rows.
	Index Index

	src  io.ReaderAt
	size int64
	at   *offsets.Table // of rows, by place, and by host and URI
	rows int

	decoding sync.Mutex // the library sets up how a type is read while it is first read
}

// rowNames is what a row is found by.
type rowNames struct {
	host, uri, place string
	uris             []string
}

// read reads the names of a row and skips all else, which takes half the time
// of decoding it.
func (n *rowNames) read(d *jsontext.Decoder) error {
	if err := beginRow(d); err != nil {
		return err
	}
	for {
		key, err := d.ReadToken()
		if err != nil || key.Kind() == '}' {
			return err
		}
		switch key.String() {
		case "host":
			n.host, err = readText(d)
		case "uri":
			n.uri, err = readText(d)
		case "place":
			n.place, err = readText(d)
		case "uris":
			err = json.UnmarshalDecode(d, &n.uris)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
}

// ReadIndex reads an index.json once, to find its rows later. Text that is not
// strict JSON, a repeated key or another format (ErrIndexFormat) is an error.
// src must stay as it is while the reader is used.
func ReadIndex(src io.ReaderAt, size int64) (*IndexReader, error) {
	r := &IndexReader{src: src, size: size, at: offsets.New(size)}
	var err error
	r.Index, err = r.scan(func(offset int64, d *jsontext.Decoder) error {
		var row rowNames
		err := row.read(d)
		r.rows++
		r.learn(offset, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.at.Ready()
	return r, nil
}

// Len counts the rows.
func (r *IndexReader) Len() int { return r.rows }

// All streams the rows in order.
func (r *IndexReader) All() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		_, err := r.scan(func(_ int64, d *jsontext.Decoder) error {
			row, err := decodeRow(d)
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
	for row, err := range r.find(place) {
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
		for row, err := range r.find(host, uri) {
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

func (r *IndexReader) learn(offset int64, row rowNames) {
	if row.place != "" {
		r.at.Add(offset, row.place)
	}
	r.at.Add(offset, row.host, row.uri)
	for _, u := range row.uris {
		if u != row.uri {
			r.at.Add(offset, row.host, u)
		}
	}
}

// find streams the rows that may be of a key.
func (r *IndexReader) find(key ...string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for offset := range r.at.Find(key...) {
			row, err := r.rowAt(offset)
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// rowAt reads the row at an offset: a short line in one go, as our indexes have
// them, and else whatever is there.
func (r *IndexReader) rowAt(offset int64) (row Row, err error) {
	start := make([]byte, min(usualRow, r.size-offset))
	if _, err := r.src.ReadAt(start, offset); err != nil {
		return Row{}, indexError(offset, err)
	}
	r.decoding.Lock()
	defer r.decoding.Unlock()
	if line, _, ok := bytes.Cut(start, []byte{'\n'}); ok {
		if err := json.Unmarshal(bytes.TrimSuffix(line, []byte{','}), &row); err == nil {
			return row, nil
		}
	}
	rest := io.NewSectionReader(r.src, offset, min(r.size-offset, maxRow))
	if row, err = decodeRow(jsontext.NewDecoder(rest)); err != nil {
		return Row{}, indexError(offset, err)
	}
	return row, nil
}

// decodeRow reads a row. Members without a field are those of a later mlreport.
func decodeRow(d *jsontext.Decoder) (row Row, err error) {
	if d.PeekKind() != '{' {
		return row, beginRow(d)
	}
	err = json.UnmarshalDecode(d, &row)
	return row, err
}

func beginRow(d *jsontext.Decoder) error {
	t, err := d.ReadToken()
	if err == nil && t.Kind() != '{' {
		err = errors.New("a row that is not an object")
	}
	return err
}

func readText(d *jsontext.Decoder) (string, error) {
	t, err := d.ReadToken()
	switch {
	case err != nil || t.Kind() == 'n':
		return "", err
	case t.Kind() != '"':
		return "", errors.New("a name that is not text")
	}
	return t.String(), nil
}

func indexError(offset int64, err error) error {
	return fmt.Errorf("index.json, byte %d: %w", offset, err)
}
