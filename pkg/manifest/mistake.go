package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Mistake is one thing that is wrong in a manifest. It never shows what was
// filled in from the environment or a file.
type Mistake struct {
	File         string
	Line, Column int // from 1
	Message      string
	Hint         string // what to do about it; may be ""
}

func (m Mistake) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.Message)
}

// Mistakes are all that is wrong in a manifest, in the order of the file. They
// wrap mlflow.ErrInvalid.
type Mistakes []Mistake

// Error is a line per mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives mlflow.ErrInvalid.
func (m Mistakes) Unwrap() error { return mlflow.ErrInvalid }

// sorted puts mistakes in order and drops repeats, which aliases cause.
func (m Mistakes) sorted() Mistakes {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(m)
}

// wrong notes a mistake at a node.
func (p *parser) wrong(at *yaml.Node, message, hint string) {
	p.wrongAt(at.Line, at.Column, message, hint)
}

func (p *parser) wrongAt(line, column int, message, hint string) {
	line = max(1, min(line, p.lines)) // yaml.v3 sets what is empty behind the end
	p.mistakes = append(p.mistakes, Mistake{p.options.File, line, max(column, 1), message, hint})
}

// wrongType notes that a value is of the wrong kind.
func (p *parser) wrongType(f field, want string) {
	if isNull(f.node) {
		p.wrong(f.node, fmt.Sprintf("%s has no value; it must be %s", f.key, want), "")
		return
	}
	p.wrong(f.node, fmt.Sprintf("%s must be %s, not %s", f.key, want, kindOf(f.node)), "")
}

// notServed notes a word that a later version will understand; hint says what
// this one does instead.
func (p *parser) notServed(at *yaml.Node, what, hint string) {
	p.wrong(at, what+" is not served by this version of mlreport yet", hint)
}
