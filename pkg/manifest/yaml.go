package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// What a manifest may be, at most.
const (
	maxBytes   = 16 << 20
	maxAliased = 100_000 // values that aliases add to those in the file
)

// A parser gathers mistakes while it reads.
type parser struct {
	options  Options
	mistakes Mistakes
	lines    int // of the manifest
	budget   int // nodes that may still be looked at

	named    map[string]string // name of an entry -> where it stands, of all files
	outer    Manifest          // the manifest that includes this one: its hosts are known here
	included bool
	others   Mistakes // of included manifests, file by file
}

// all are the mistakes of the file and of those that it includes.
func (p *parser) all() Mistakes { return append(p.mistakes.sorted(), p.others...) }

// document reads the YAML; nil when there is nothing to go on with.
func (p *parser) document(data []byte) *yaml.Node {
	p.lines = countLines(data)
	if len(data) > maxBytes {
		p.wrongAt(1, 1, fmt.Sprintf("the manifest is larger than %d MiB", maxBytes>>20), "use a selector in place of single models")
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]) {
		p.wrongAt(1, 1, "the manifest is empty", "begin with `version: 1` and `models:`")
		return nil
	}
	if err != nil {
		p.syntax(data, err)
		return nil
	}
	switch err := d.Decode(&more); {
	case err == nil:
		p.wrong(more.Content[0], "a manifest is one YAML document; this is a second one", "")
	case !errors.Is(err, io.EOF):
		p.syntax(data, err)
	}
	root := doc.Content[0]
	p.budget = count(root) + maxAliased
	return root
}

// countLines counts with all of YAML's line breaks.
func countLines(data []byte) int {
	lines := 1
	for _, c := range string(data) {
		switch c {
		case '\n', '\r', '\u0085', '\u2028', '\u2029':
			lines++
		}
	}
	return lines
}

// count counts nodes without following aliases.
func count(n *yaml.Node) int {
	total := 1
	for _, c := range n.Content {
		total += count(c)
	}
	return total
}

// look follows an alias, and stops the reading of a manifest that grows
// without bounds by its aliases.
func (p *parser) look(n *yaml.Node) (*yaml.Node, bool) {
	p.budget--
	if p.budget == 0 {
		p.wrong(n, fmt.Sprintf("aliases add more than %d values", maxAliased), "")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n, p.budget > 0 && n != nil
}

// syntax notes what the YAML parser says: `yaml: line 3: did not find ...`.
func (p *parser) syntax(data []byte, err error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	line, message := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, what, ok := strings.Cut(rest, ": "); ok {
			line, _ = strconv.Atoi(number)
			message = what
		}
	}
	column := 1
	if name, ok := strings.CutPrefix(message, "unknown anchor '"); ok { // said without its line
		name, _, _ = strings.Cut(name, "'")
		line = 1 + slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "*"+name) })
		column = 1 + strings.Index(lines[max(line, 1)-1], "*"+name)
	} else if saysLineBefore(message) {
		line++
	}
	line = max(1, min(line, len(lines)))
	hint := ""
	if strings.Contains(lines[line-1], "${") {
		hint = "a value that holds ${...} between { } or [ ] needs quotes"
	}
	p.wrongAt(line, column, "this is not YAML: "+message, hint)
}

// saysLineBefore tells the messages with which yaml.v3 counts lines from 0.
func saysLineBefore(message string) bool {
	rest, ok := strings.CutPrefix(message, "did not find expected ")
	switch rest {
	case "node content", "key", "'-' indicator", "',' or ']'", "',' or '}'", "<document start>":
		return ok
	}
	return false
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindOf is what a value is, in words.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "the number " + short(n.Value)
	case "!!bool":
		return n.Value
	case "!!timestamp":
		return "a date"
	}
	return "a value of type " + n.ShortTag()
}
