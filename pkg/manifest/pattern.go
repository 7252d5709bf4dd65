package manifest

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// A Pattern is a pattern of names: `*` stands for any text, `?` for one
// character, `\` takes the meaning from the next one, all else is itself. It
// is about the whole name, and case matters. The zero value matches "" only.
type Pattern struct {
	text  string
	parts []part
}

// A part matches one character, or any text.
type part struct {
	char rune
	kind partKind
}

type partKind int

const (
	theChar partKind = iota
	anyChar
	anyText
)

// ParsePattern reads a pattern.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{text: text}
	escaped := false
	for _, c := range text {
		switch {
		case escaped:
			p.parts = append(p.parts, part{char: c})
			escaped = false
		case c == '\\':
			escaped = true
		case c == '*':
			if n := len(p.parts); n == 0 || p.parts[n-1].kind != anyText {
				p.parts = append(p.parts, part{kind: anyText})
			}
		case c == '?':
			p.parts = append(p.parts, part{kind: anyChar})
		default:
			p.parts = append(p.parts, part{char: c})
		}
	}
	switch {
	case text == "":
		return Pattern{}, errors.New("is empty")
	case escaped:
		return Pattern{}, errors.New(`ends with a \, which takes the meaning from nothing`)
	case !utf8.ValidString(text):
		return Pattern{}, errors.New("is not UTF-8")
	}
	return p, nil
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match tells whether the whole name fits.
func (p Pattern) Match(name string) bool {
	chars := []rune(name)
	i, j := 0, 0
	star, from := -1, 0 // the last `*`, and where the text for it ends so far
	for j < len(chars) {
		switch {
		case i < len(p.parts) && p.parts[i].kind == anyText:
			star, from = i, j
			i++
		case i < len(p.parts) && (p.parts[i].kind == anyChar || p.parts[i].char == chars[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p.parts) && p.parts[i].kind == anyText {
		i++
	}
	return i == len(p.parts)
}

// Name is the one name that fits, when the pattern has no wildcard.
func (p Pattern) Name() (name string, ok bool) {
	var b strings.Builder
	for _, x := range p.parts {
		if x.kind != theChar {
			return "", false
		}
		b.WriteRune(x.char)
	}
	return b.String(), len(p.parts) > 0
}

// Like is a pattern of SQL's LIKE that every matching name fits, and mostly
// others too; "" when it would tell nothing. It holds nothing but letters,
// digits, `-`, `.`, blanks and the wildcards `_` and `%`, so that it needs no
// quoting in any filter; whoever uses it matches the names again.
func (p Pattern) Like() string {
	const most = 200
	var b strings.Builder
	useful, open := false, false // open: it ends with %
	for _, x := range p.parts {
		c := x.char
		plain := x.kind == theChar && c < 0x80 && (isWord(byte(c)) || c == '-' || c == '.' || c == ' ')
		if !plain && x.kind == theChar && c == '_' {
			plain = true
		}
		switch {
		case plain && b.Len() < most:
			b.WriteRune(c)
			useful = useful || c != '_'
			open = false
		case !open:
			b.WriteByte('%')
			open = true
		}
	}
	if !useful {
		return ""
	}
	return b.String()
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// Literal is the pattern that matches a name and nothing else.
func Literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(name)
}
