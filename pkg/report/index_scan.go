package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// errStop ends a scan that its caller had enough of.
var errStop = errors.New("enough")

// scan reads the index from its start and returns what stands beside the rows.
// row is to read each row, which begins at offset; its error ends the scan. The
// layout in lines does not matter: an index that went through another program's
// hands still reads.
func (r *IndexReader) scan(row func(offset int64, d *jsontext.Decoder) error) (Index, error) {
	src := &limited{src: io.NewSectionReader(r.src, 0, r.size), left: maxRow}
	d := jsontext.NewDecoder(src)
	s := scanner{d: d, src: src, row: row}
	if err := s.document(); err != nil {
		if errors.Is(err, errStop) || errors.Is(err, ErrIndexFormat) {
			return s.index, err
		}
		return s.index, indexError(d.InputOffset(), err)
	}
	return s.index, nil
}

type scanner struct {
	d     *jsontext.Decoder
	src   *limited
	row   func(int64, *jsontext.Decoder) error
	index Index
}

func (s *scanner) document() error {
	if err := s.expect('{'); err != nil {
		return err
	}
	format := false
	for s.d.PeekKind() == '"' {
		key, err := s.d.ReadToken()
		if err != nil {
			return err
		}
		s.src.left = maxRow
		name := key.String()
		if !format && name != "format" { // so that nothing of an unknown format is taken for ours
			return ErrIndexFormat
		}
		format = true
		if err := s.member(name); err != nil {
			return err
		}
	}
	if err := s.expect('}'); err != nil {
		return err
	}
	if !format {
		return ErrIndexFormat
	}
	if _, err := s.d.ReadToken(); err != io.EOF {
		return errors.Join(errors.New("text after the index"), err)
	}
	return nil
}

func (s *scanner) member(key string) error {
	if key == "entries" {
		return s.entries()
	}
	v, err := s.d.ReadValue()
	if err != nil {
		return err
	}
	switch key {
	case "format":
		if s, err := mlflow.DecodeStrict(string(v)); err != nil || s != IndexFormat {
			return ErrIndexFormat
		}
	case "selectors":
		return json.Unmarshal(v, &s.index.Selectors)
	case "hosts":
		return s.hosts(v)
	}
	return nil
}

func (s *scanner) entries() error {
	if err := s.expect('['); err != nil {
		return err
	}
	for s.d.PeekKind() != ']' {
		s.src.left = maxRow
		if err := s.row(s.offset(), s.d); err != nil {
			return err
		}
	}
	return s.expect(']')
}

// offset is where the value begins whose kind was looked at.
func (s *scanner) offset() int64 {
	ahead := s.d.UnreadBuffer()
	return s.d.InputOffset() + int64(len(ahead)-len(bytes.TrimLeft(ahead, ", \t\r\n")))
}

func (s *scanner) expect(kind jsontext.Kind) error {
	t, err := s.d.ReadToken()
	if err == nil && t.Kind() != kind {
		err = fmt.Errorf("%v where %v should be", t.Kind(), kind)
	}
	return err
}

// hosts reads the object of hosts, whose order counts.
func (s *scanner) hosts(v jsontext.Value) error {
	d := jsontext.NewDecoder(bytes.NewReader(v))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return errors.New("`hosts` is not an object")
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		h := Host{Name: name.String()}
		if err := json.UnmarshalDecode(d, &h); err != nil {
			return err
		}
		s.index.Hosts = append(s.index.Hosts, h)
	}
	return nil
}

// limited fails when more than left bytes are read before left is set anew, so
// that no single row fills the memory.
type limited struct {
	src  io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a row above %d bytes: %w", maxRow, mlflow.ErrTooLarge)
	}
	n, err := l.src.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
