package mlflow

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep JSON and YAML may nest before they are refused.
const MaxDepth = 1000

// ErrDepth says that a document nests deeper than MaxDepth.
var ErrDepth = fmt.Errorf("nested deeper than %d levels", MaxDepth)

// DecodeJSON reads one JSON object as a server sends it: of members with the
// same key the last wins, text that is not UTF-8 is repaired, anything after
// the object but white space is an error.
func DecodeJSON(data []byte) (*Object, error) {
	v, err := decode(data, MaxDepth, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, err
	}
	o, ok := v.(*Object)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return o, nil
}

// DecodeStrict reads any JSON value and refuses what cannot be written again
// without loss: repeated keys, lone surrogates, NaN, depth above MaxDepth.
func DecodeStrict(text string) (any, error) {
	return decode([]byte(text), MaxDepth)
}

// DecodeReport is DecodeStrict for documents that this program wrote: they
// hold MLflow's objects some levels down, and those may be MaxDepth deep.
func DecodeReport(data []byte) (any, error) {
	return decode(data, MaxDepth+100)
}

func decode(data []byte, depth int, opts ...jsontext.Options) (any, error) {
	d := decoder{jsontext.NewDecoder(bytes.NewBuffer(data), opts...), depth}
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		if err == nil {
			err = errors.New("text after the JSON value")
		}
		return nil, err
	}
	return v, nil
}

// A decoder reads values no deeper than its limit.
type decoder struct {
	*jsontext.Decoder
	limit int
}

func (d decoder) value() (any, error) {
	if d.StackDepth() > d.limit {
		return nil, ErrDepth
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '{':
		return d.object()
	case '[':
		return d.array()
	case '"':
		return t.String(), nil
	case '0':
		return Number(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil // null
}

func (d decoder) object() (any, error) {
	o := &Object{}
	var seen map[string]int // of large objects, where looking through all members costs too much
	for d.PeekKind() != '}' {
		k, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := k.String()
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		if seen == nil && o.Len() == 32 {
			seen = indexMembers(o)
		}
		setMember(o, seen, key, v)
	}
	_, err := d.ReadToken()
	return o, err
}

func indexMembers(o *Object) map[string]int {
	seen := make(map[string]int, 64)
	for i, m := range o.members {
		seen[m.Key] = i
	}
	return seen
}

func setMember(o *Object, seen map[string]int, key string, v any) {
	if seen == nil {
		o.Set(key, v)
		return
	}
	if i, ok := seen[key]; ok {
		o.members[i].Value = v
		return
	}
	seen[key] = o.Len()
	o.Append(key, v)
}

func (d decoder) array() (any, error) {
	l := []any{}
	for d.PeekKind() != ']' {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	_, err := d.ReadToken()
	return l, err
}
