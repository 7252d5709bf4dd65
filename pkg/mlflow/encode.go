package mlflow

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON is a way to write JSON text. The zero value writes UTF-8 on one line.
// Whatever the settings, the output is strict RFC 8259, numbers keep their
// digits, and `<`, `>` and `&` are not escaped.
type JSON struct {
	Indent int  // blanks of one level; 0 writes one line
	ASCII  bool // writes all else as \uXXXX, as MLflow's server does
}

// EncodeReport writes a value the way all files of a tree are written: UTF-8,
// two blanks a level, one final newline.
func EncodeReport(v any) []byte {
	const usual = 8 << 10 // bytes: most files need no larger buffer
	return AppendReport(make([]byte, 0, usual), v)
}

// AppendReport is EncodeReport behind dst.
func AppendReport(dst []byte, v any) []byte { return append(JSON{Indent: 2}.Append(dst, v), '\n') }

// Append writes a value (see Object) behind dst. It panics on a value of
// another type, which is a mistake of the program.
func (j JSON) Append(dst []byte, v any) []byte { return j.value(dst, v, 0) }

func (j JSON) value(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return fmt.Appendf(b, "%t", v)
	case Number:
		return append(b, v...)
	case string:
		return j.text(b, v)
	case *Object:
		return j.object(b, v, depth)
	case []any:
		return j.array(b, v, depth)
	}
	panic(fmt.Sprintf("mlflow: cannot write a %T as JSON", v))
}

func (j JSON) object(b []byte, o *Object, depth int) []byte {
	if o.Len() == 0 {
		return append(b, "{}"...)
	}
	b = append(b, '{')
	first := true
	for k, v := range o.All() {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = j.newline(b, depth+1)
		b = append(j.text(b, k), ':')
		if j.Indent > 0 {
			b = append(b, ' ')
		}
		b = j.value(b, v, depth+1)
	}
	return append(j.newline(b, depth), '}')
}

func (j JSON) array(b []byte, l []any, depth int) []byte {
	if len(l) == 0 {
		return append(b, "[]"...)
	}
	b = append(b, '[')
	for i, v := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = j.value(j.newline(b, depth+1), v, depth+1)
	}
	return append(j.newline(b, depth), ']')
}

func (j JSON) newline(b []byte, depth int) []byte {
	if j.Indent == 0 {
		return b
	}
	const blanks = "                                "
	b = append(b, '\n')
	for n := j.Indent * depth; n > 0; n -= len(blanks) {
		b = append(b, blanks[:min(n, len(blanks))]...)
	}
	return b
}

const hex = "0123456789abcdef"

func (j JSON) text(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= 0x7f && (r != utf8.RuneError || n > 1) && !j.ASCII {
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		b = j.escape(b, r)
		i += n
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// escape writes one rune that cannot stand in JSON text as it is; bytes that
// are not UTF-8 become U+FFFD.
func (j JSON) escape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	}
	if r >= 0x7f && !j.ASCII { // only U+FFFD comes here
		return utf8.AppendRune(b, r)
	}
	if r == 0x7f {
		return append(b, 0x7f)
	}
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		return unit(unit(b, hi), lo)
	}
	return unit(b, r)
}

func unit(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// TextOf is a value as people read it: text and numbers as they are, "" for
// nothing, JSON for a list or an object.
func TextOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case Number:
		return string(v)
	}
	return string(JSON{}.Append(nil, v))
}
