package mlflow

import "strings"

// blockYAML reads the plain form that PyYAML gives nearly all MLmodel files:
// ASCII, one key or list item a line, indented, each value a scalar on the
// same line, plain or in single quotes. For these it is ten times as fast as
// the full parser, in which a third of a batch's time went. ok is false for
// anything else, right or wrong: the full parser decides about that, and for
// what this one reads it gives the same.
func blockYAML(data []byte) (v any, ok bool) {
	if len(data) > maxBlock {
		return nil, false
	}
	b := blockReader{}
	for text := range strings.Lines(string(data)) {
		line, ok := blockLine(text)
		if !ok {
			return nil, false
		}
		b.lines = append(b.lines, line)
	}
	if len(b.lines) == 0 || b.lines[0].indent != 0 {
		return nil, false
	}
	v, ok = b.mapping(0, 0)
	return v, ok && len(b.lines) == 0
}

const (
	maxBlock      = 64 << 10 // bytes: fewer nodes than any limit
	maxBlockDepth = 20
	maxBlockKey   = 100
)

// A line is one of a block, without its indentation.
type line struct {
	indent int
	text   string
}

// blockLine looks whether a line can be one: text of printable ASCII with no
// comment, no tab, no blank at its end.
func blockLine(s string) (line, bool) {
	s = strings.TrimSuffix(s, "\n")
	text := strings.TrimLeft(s, " ")
	if text == "" || text[0] == '#' || text[len(text)-1] == ' ' {
		return line{}, false
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return line{}, false
		}
	}
	return line{len(s) - len(text), text}, true
}

// A blockReader takes the lines of a document one after the other.
type blockReader struct {
	lines []line
}

// mapping reads the lines `key: value` of one indentation.
func (b *blockReader) mapping(indent, depth int) (any, bool) {
	o := &Object{members: make([]Member, 0, 8)}
	for len(b.lines) > 0 && b.lines[0].indent == indent {
		key, rest, ok := strings.Cut(b.lines[0].text, ":")
		if !ok || !isBlockKey(key) || o.Has(key) || depth > maxBlockDepth {
			return nil, false
		}
		b.lines = b.lines[1:]
		v, ok := b.value(rest, indent, depth)
		if !ok {
			return nil, false
		}
		o.Append(key, v)
	}
	return o, b.ends(indent)
}

// isBlockKey tells whether a key is a plain word that means only itself.
func isBlockKey(s string) bool {
	if s == "" || len(s) > maxBlockKey || !isWordByte(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isWordByte(c) && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return plainScalar(s) == s
}

func isWordByte(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// ends tells whether a collection of some indentation ends here.
func (b *blockReader) ends(indent int) bool {
	return len(b.lines) == 0 || b.lines[0].indent < indent
}

// value reads what stands behind the colon of a key: on its line, else below.
func (b *blockReader) value(rest string, indent, depth int) (any, bool) {
	if rest != "" {
		if rest[0] != ' ' {
			return nil, false
		}
		return b.scalar(strings.TrimLeft(rest, " "), indent)
	}
	switch {
	case len(b.lines) == 0 || b.lines[0].indent < indent:
		return nil, true
	case strings.HasPrefix(b.lines[0].text, "- "):
		return b.list(b.lines[0].indent, indent)
	case b.lines[0].indent == indent:
		return nil, true
	}
	return b.mapping(b.lines[0].indent, depth+1)
}

// list reads the lines `- value` of one indentation, which may be that of the key.
func (b *blockReader) list(indent, key int) (any, bool) {
	l := []any{}
	for len(b.lines) > 0 && b.lines[0].indent == indent {
		text, ok := strings.CutPrefix(b.lines[0].text, "- ")
		if !ok {
			break
		}
		b.lines = b.lines[1:]
		v, ok := b.scalar(text, indent)
		if !ok {
			return nil, false
		}
		l = append(l, v)
	}
	return l, b.ends(indent) || indent == key && b.lines[0].indent == indent
}

// scalar reads a value on one line, of which nothing goes on below.
func (b *blockReader) scalar(s string, indent int) (any, bool) {
	if !b.ends(indent + 1) {
		return nil, false
	}
	switch {
	case s == "{}":
		return &Object{members: []Member{}}, true
	case s == "[]":
		return []any{}, true
	case s[0] == '\'':
		return quoted(s)
	case !isWordByte(s[0]) && (s[0] < '0' || s[0] > '9') && s[0] != '/' && s[0] != '.' && s[0] != '~':
		return nil, false
	case strings.Contains(s, ": ") || strings.Contains(s, " #") || s[len(s)-1] == ':':
		return nil, false
	}
	return plainScalar(s), true
}

// quoted reads text in single quotes, in which two of them stand for one.
func quoted(s string) (any, bool) {
	inside, ok := strings.CutSuffix(s[1:], "'")
	text := strings.ReplaceAll(inside, "''", "")
	if !ok || strings.Contains(text, "'") {
		return nil, false
	}
	return strings.ReplaceAll(inside, "''", "'"), true
}
