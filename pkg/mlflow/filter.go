package mlflow

import (
	"fmt"
	"strings"
)

// A FilterKind says which of MLflow's searches a filter string is for.
type FilterKind int

// The searches, named after what they find.
const (
	ModelFilter       FilterKind = iota // registered-models/search
	VersionFilter                       // model-versions/search
	ExperimentFilter                    // experiments/search
	RunFilter                           // runs/search
	LoggedModelFilter                   // logged-models/search
)

// A Filter is a filter string of MLflow's searches (mlflow.utils.search_utils),
// understood here: for stores that have no server to ask. The zero value
// matches everything.
type Filter struct {
	kind  FilterKind
	terms []term
}

// A term is one comparison; a filter is several with AND between.
type term struct {
	field field
	op    string // =, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN
	text  string
	texts []string // of IN
	num   float64
}

// A field is what a term looks at.
type field struct {
	in  string // attribute, tag, metric or param
	key string
}

func (f field) String() string {
	if f.in == attributeField {
		return f.key
	}
	return f.in + "s." + f.key
}

const (
	attributeField = "attribute"
	tagField       = "tag"
	metricField    = "metric"
	paramField     = "param"
)

// ParseFilter reads a filter string: comparisons of names, tags, version
// numbers and, for runs and logged models, metrics and params, with AND
// between. What is not understood is an error that wraps ErrInvalid and says
// so: never a guess.
func ParseFilter(kind FilterKind, text string) (Filter, error) {
	f := Filter{kind: kind}
	p := &filterParser{kind: kind, rest: text}
	for p.skip(); p.rest != ""; {
		t, err := p.term()
		if err == nil {
			f.terms = append(f.terms, t)
			err = p.and()
		}
		if err != nil {
			return Filter{}, &Error{
				Err:  fmt.Errorf("the filter %q: %w", text, err),
				Hint: "without a server, comparisons such as name LIKE 'a%' AND tags.tier = '1' are understood: =, !=, LIKE, ILIKE, IN, of numbers also < and >, with AND between",
			}
		}
	}
	return f, nil
}

type filterParser struct {
	kind FilterKind
	rest string
}

func (p *filterParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// and reads what stands between two comparisons.
func (p *filterParser) and() error {
	p.skip()
	if p.rest == "" {
		return nil
	}
	if !p.word("AND") {
		return Reason(ErrInvalid, "AND is missing before %q", cutText(p.rest))
	}
	if p.skip(); p.rest == "" {
		return Reason(ErrInvalid, "it ends with AND")
	}
	return nil
}

// word takes a keyword, in any case.
func (p *filterParser) word(w string) bool {
	if len(p.rest) < len(w) || !strings.EqualFold(p.rest[:len(w)], w) {
		return false
	}
	if rest := p.rest[len(w):]; rest == "" || !isNameByte(rest[0]) {
		p.rest = rest
		p.skip()
		return true
	}
	return false
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// term reads one comparison.
func (p *filterParser) term() (t term, err error) {
	if t.field, err = p.field(); err != nil {
		return t, err
	}
	if t.op, err = p.operator(); err != nil {
		return t, err
	}
	numeric, err := p.kind.check(t.field, t.op)
	if err != nil {
		return t, err
	}
	switch {
	case numeric:
		t.num, err = p.number(t.field)
	case t.op == "IN" || t.op == "NOT IN":
		t.texts, err = p.list()
	default:
		t.text, err = p.quoted(t.field)
	}
	return t, err
}

// field reads `name`, `tags.tier`, tags.`a.b` or params."x".
func (p *filterParser) field() (field, error) {
	p.skip()
	first, err := p.name()
	if err != nil {
		return field{}, err
	}
	if !strings.HasPrefix(p.rest, ".") {
		return field{attributeField, first}, nil
	}
	p.rest = p.rest[1:]
	in, ok := map[string]string{
		"attribute": attributeField, "attributes": attributeField, "attr": attributeField, "run": attributeField,
		"tag": tagField, "tags": tagField, "metric": metricField, "metrics": metricField,
		"param": paramField, "params": paramField, "parameter": paramField, "parameters": paramField,
	}[first]
	if !ok {
		return field{}, Reason(ErrInvalid, "%s. is not understood", cutText(first))
	}
	key, err := p.key()
	return field{in, key}, err
}

// name reads a word, or one in backticks.
func (p *filterParser) name() (string, error) {
	if strings.HasPrefix(p.rest, "`") {
		return p.until("`")
	}
	n := 0
	for n < len(p.rest) && isNameByte(p.rest[n]) {
		n++
	}
	if n == 0 {
		return "", Reason(ErrInvalid, "a comparison cannot begin with %q", cutText(p.rest))
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name, nil
}

// key reads the key of a tag, a metric or a param, which may hold dots.
func (p *filterParser) key() (string, error) {
	for _, quote := range []string{"`", `"`} {
		if strings.HasPrefix(p.rest, quote) {
			return p.until(quote)
		}
	}
	n := 0
	for n < len(p.rest) && (isNameByte(p.rest[n]) || p.rest[n] == '.') {
		n++
	}
	if n == 0 {
		return "", Reason(ErrInvalid, "there is no key before %q", cutText(p.rest))
	}
	key := p.rest[:n]
	p.rest = p.rest[n:]
	return key, nil
}

// until takes what stands between two quotes. Nothing is unescaped in it, as
// in MLflow.
func (p *filterParser) until(quote string) (string, error) {
	inside, rest, ok := strings.Cut(p.rest[1:], quote)
	if !ok {
		return "", Reason(ErrInvalid, "the quote before %q is not closed", cutText(p.rest[1:]))
	}
	p.rest = rest
	return inside, nil
}

func (p *filterParser) operator() (string, error) {
	p.skip()
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if rest, ok := strings.CutPrefix(p.rest, op); ok {
			p.rest = rest
			p.skip()
			return op, nil
		}
	}
	for _, op := range []string{"LIKE", "ILIKE", "IN"} {
		if p.word(op) {
			return op, nil
		}
	}
	if p.word("NOT") && p.word("IN") {
		return "NOT IN", nil
	}
	return "", Reason(ErrInvalid, "%q is not understood as a comparison", cutText(p.rest))
}

// cutText shortens text for a message.
func cutText(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return s
}
