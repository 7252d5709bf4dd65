package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxFilled is how large a file may be that ${file:} reads.
const maxFilled = 1 << 20

// An origin says where a piece of a value comes from.
type origin int

const (
	literal     origin = iota // the manifest
	environment               // ${env:NAME}
	file                      // ${file:path}
)

// A piece of a text, as it is after filling in.
type piece struct {
	value string
	from  origin
}

// A text is a value of the manifest with everything filled in.
type text struct {
	field
	pieces []piece
}

func (t text) value() string {
	var b strings.Builder
	for _, p := range t.pieces {
		b.WriteString(p.value)
	}
	return b.String()
}

// isFilled tells whether anything comes from outside of the manifest.
func (t text) isFilled() bool {
	for _, p := range t.pieces {
		if p.from != literal {
			return true
		}
	}
	return false
}

// only tells whether all of value()[start:end] satisfies is.
func (t text) only(start, end int, is func(origin) bool) bool {
	at := 0
	for _, p := range t.pieces {
		next := at + len(p.value)
		if p.value != "" && at < end && next > start && !is(p.from) {
			return false
		}
		at = next
	}
	return start < end
}

func fromEnvironment(o origin) bool { return o == environment }
func fromOutside(o origin) bool     { return o != literal }

// shown is the text as messages may show it: as it was written when something
// was filled in, and short.
func (t text) shown() string { return strconv.Quote(short(redacted(t.node.Value))) }

// short cuts a text for a message.
func short(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// text reads a value that must be text, and not empty.
func (p *parser) text(f field) (text, bool) {
	tag := f.node.ShortTag()
	if f.node.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!timestamp" {
		p.wrongType(f, "text")
		if tag == "!!int" || tag == "!!float" || tag == "!!bool" {
			p.mistakes[len(p.mistakes)-1].Hint = "put it in quotes"
		}
		return text{}, false
	}
	t, ok := p.fill(f)
	if ok && strings.TrimSpace(t.value()) == "" {
		p.wrong(f.node, f.key+" is empty", "")
		return text{}, false
	}
	return t, ok
}

// fill replaces ${env:NAME}, ${env:NAME:-default} and ${file:path}. `$${`
// stands for `${`.
func (p *parser) fill(f field) (text, bool) {
	t := text{field: f}
	ok := true
	rest := f.node.Value
	for {
		at := strings.Index(rest, "${")
		if at < 0 {
			t.pieces = append(t.pieces, piece{rest, literal})
			return t, ok
		}
		if at > 0 && rest[at-1] == '$' {
			t.pieces = append(t.pieces, piece{rest[:at-1] + "${", literal})
			rest = rest[at+2:]
			continue
		}
		end := strings.IndexByte(rest[at:], '}')
		if end < 0 {
			p.wrong(f.node, f.key+" has a `${` without a `}`", "write $${ for a literal ${")
			return t, false
		}
		t.pieces = append(t.pieces, piece{rest[:at], literal})
		filled, good := p.lookUp(f, rest[at+2:at+end])
		t.pieces = append(t.pieces, filled)
		ok = ok && good
		rest = rest[at+end+1:]
	}
}

// lookUp finds what stands for the inside of one ${...}.
func (p *parser) lookUp(f field, inside string) (piece, bool) {
	kind, what, _ := strings.Cut(inside, ":")
	switch {
	case strings.Contains(inside, "${"):
		p.wrong(f.node, f.key+" has a ${ } inside of another", "")
	case kind == "env":
		return p.variable(f, what)
	case kind == "file" && what != "":
		return p.content(f, what)
	default:
		p.wrong(f.node, fmt.Sprintf("%s holds ${%s}, which means nothing here", f.key, short(inside)), "write ${env:NAME}, ${env:NAME:-default} or ${file:path}, or $${ for a literal ${")
	}
	return piece{}, false
}

func (p *parser) variable(f field, what string) (piece, bool) {
	name, fallback, hasFallback := strings.Cut(what, ":-")
	if !isVariable(name) {
		p.wrong(f.node, fmt.Sprintf("%s: %q is not the name of an environment variable", f.key, short(name)), "write ${env:NAME} or ${env:NAME:-default}")
		return piece{}, false
	}
	value, set := "", false
	if p.options.LookupEnv != nil {
		value, set = p.options.LookupEnv(name)
	}
	switch {
	case hasFallback && value == "":
		return piece{fallback, literal}, true
	case !set:
		p.wrong(f.node, fmt.Sprintf("%s: the environment variable %s is not set", f.key, name), "set it, or write ${env:"+name+":-default}")
		return piece{}, false
	case !utf8.ValidString(value):
		p.wrong(f.node, fmt.Sprintf("%s: what the environment variable %s holds is not UTF-8", f.key, name), "")
		return piece{}, false
	}
	return piece{value, environment}, true
}

func (p *parser) content(f field, path string) (piece, bool) {
	if p.options.ReadFile == nil {
		p.wrong(f.node, f.key+": ${file:} cannot be used here", "")
		return piece{}, false
	}
	data, err := p.options.ReadFile(p.inDir(path))
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	problem := ""
	switch {
	case err != nil:
		problem = fmt.Sprintf("cannot be read: %v", err)
	case len(data) > maxFilled:
		problem = fmt.Sprintf("is larger than %d MiB", maxFilled>>20)
	case !utf8.Valid(data):
		problem = "is not UTF-8 text"
	default:
		value, _ := strings.CutSuffix(string(data), "\n")
		value, _ = strings.CutSuffix(value, "\r")
		return piece{value, file}, true
	}
	p.wrong(f.node, fmt.Sprintf("%s: the file %q %s", f.key, short(path), problem), "relative paths are relative to the manifest")
	return piece{}, false
}

// inDir makes a relative path relative to the manifest.
func (p *parser) inDir(path string) string {
	if p.options.Dir == "" || isAbs(path) {
		return path
	}
	return filepath.Join(p.options.Dir, filepath.FromSlash(path))
}

func isVariable(name string) bool {
	for i, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
