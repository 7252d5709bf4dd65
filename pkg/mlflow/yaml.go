package mlflow

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// The limits of DecodeYAML.
const (
	MaxYAMLBytes = 16 << 20
	MaxYAMLNodes = 100_000 // with every alias and merge key written out
)

// What DecodeYAML fails with. ErrYAMLTooLarge and ErrYAMLBomb are also ErrTooLarge.
var (
	ErrNotYAML      = errors.New("not YAML")
	ErrYAMLTooLarge = fmt.Errorf("more than %d MiB of YAML: %w", MaxYAMLBytes>>20, ErrTooLarge)
	ErrYAMLBomb     = fmt.Errorf("YAML of more than %d nodes or %d levels: %w", MaxYAMLNodes, MaxDepth, ErrTooLarge)
)

// DecodeYAML reads one YAML document as PyYAML's safe_load does, with which
// MLflow reads MLmodel files and the files of its folder store: YAML 1.1,
// where `1e5` is text, `yes` is true, and of equal keys the last wins. An
// empty document is nil. It accepts a little more: tabs as blanks, an anchor
// that is set twice; and the keys `1`, `1.0` and `true`, which are one in Python,
// stay apart.
//
// It gives the values that Object names. A number whose text is a JSON number
// keeps its digits; others are written out (`0x1F` is 31, `1:30` is 90, `1.`
// is 1.0). What JSON has no type for stays text: `.inf`, `.nan`, dates and
// times, `!!binary`, and also `=`, `0x_` and a `<<` that is no key, at which
// PyYAML fails. Keys that are not text become the text that Python's json.dumps makes of them.
func DecodeYAML(data []byte) (any, error) {
	if len(data) > MaxYAMLBytes {
		return nil, ErrYAMLTooLarge
	}
	if v, ok := blockYAML(data); ok {
		return v, nil
	}
	if separators(data) > 10*MaxYAMLNodes {
		return nil, ErrYAMLBomb
	}
	root, err := parseYAML(data)
	if err != nil || root == nil {
		return nil, err
	}
	r := yamlReader{left: MaxYAMLNodes}
	return r.value(root, 0)
}

// parseYAML parses exactly one document; nil when there is none.
func parseYAML(data []byte) (root *yaml.Node, err error) {
	defer func() { // the parser panics at some odd places of comments
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrNotYAML, p)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotYAML, err)
	}
	if err := d.Decode(&more); err == nil {
		return nil, fmt.Errorf("%w: more than one document", ErrNotYAML)
	} else if err != io.EOF {
		return nil, fmt.Errorf("%w: %w", ErrNotYAML, err)
	}
	return doc.Content[0], nil
}

// separators counts the bytes that can begin a node. The parser builds all
// nodes before they can be counted, in 200 times the space of `[a,a,a`; this
// bounds it, and is wide enough for text that holds JSON of 100,000 columns.
func separators(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case '\n', '\r', ',', ':', '-', '?', '[', '{':
			n++
		}
	}
	return n
}

func notYAML(n *yaml.Node, what string) error {
	return fmt.Errorf("%w: line %d: %s", ErrNotYAML, n.Line, what)
}

// A yamlReader turns nodes into values and counts what it makes, since a few
// aliases of aliases stand for billions of nodes.
type yamlReader struct {
	left int
}

func (r *yamlReader) spend(depth int) error {
	r.left--
	if r.left < 0 || depth > MaxDepth {
		return ErrYAMLBomb
	}
	return nil
}

// value reads a node that stands in depth collections.
func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if err := r.spend(depth); err != nil {
		return nil, err
	}
	n = target(n)
	switch {
	case n.Kind == yaml.ScalarNode:
		return yamlScalar(n)
	case n.Kind == yaml.SequenceNode && n.Tag == "!!seq":
		return r.list(n, depth)
	case n.Kind == yaml.SequenceNode && (n.Tag == "!!omap" || n.Tag == "!!pairs"):
		return r.pairList(n, depth)
	case n.Kind == yaml.MappingNode && (n.Tag == "!!map" || n.Tag == "!!set"):
		return r.mapping(n, depth)
	}
	return nil, notYAML(n, "a collection tagged "+n.Tag)
}

// target is the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (r *yamlReader) list(n *yaml.Node, depth int) (any, error) {
	l := make([]any, 0, len(n.Content))
	for _, c := range n.Content {
		v, err := r.value(c, depth+1)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

// pairList reads `!!omap` and `!!pairs`, in Python a list of pairs.
func (r *yamlReader) pairList(n *yaml.Node, depth int) (any, error) {
	l := make([]any, 0, len(n.Content))
	for _, c := range n.Content {
		c = target(c)
		if c.Kind != yaml.MappingNode || len(c.Content) != 2 {
			return nil, notYAML(n, "pairs that are not mappings of one key")
		}
		if err := r.spend(depth); err != nil {
			return nil, err
		}
		pair, err := r.list(c, depth+1)
		if err != nil {
			return nil, err
		}
		l = append(l, pair)
	}
	return l, nil
}

func (r *yamlReader) mapping(n *yaml.Node, depth int) (any, error) {
	content, err := r.flatten(n, depth)
	if err != nil {
		return nil, err
	}
	o := &Object{members: make([]Member, 0, len(content)/2)}
	seen := make(map[string]int, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		if err := r.spend(depth); err != nil {
			return nil, err
		}
		key, err := yamlKey(target(content[i]))
		if err != nil {
			return nil, err
		}
		v, err := r.value(content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		setMember(o, seen, key, v)
	}
	return o, nil
}

// flatten gives the keys and values of a mapping: those of its merge keys
// first, in which of several mappings the first wins, then its own.
func (r *yamlReader) flatten(n *yaml.Node, depth int) ([]*yaml.Node, error) {
	var merged, own []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := target(n.Content[i]); k.Kind != yaml.ScalarNode || k.Tag != "!!merge" {
			own = append(own, n.Content[i], n.Content[i+1])
			continue
		}
		more, err := r.merge(target(n.Content[i+1]), depth)
		if err != nil {
			return nil, err
		}
		merged = append(merged, more...)
	}
	return append(merged, own...), nil
}

func (r *yamlReader) merge(n *yaml.Node, depth int) ([]*yaml.Node, error) {
	from := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		from = n.Content
	}
	var all []*yaml.Node
	for i := len(from) - 1; i >= 0; i-- {
		m := target(from[i])
		if m.Kind != yaml.MappingNode {
			return nil, notYAML(m, "a merge key without a mapping")
		}
		if err := r.spend(depth + 1); err != nil {
			return nil, err
		}
		more, err := r.flatten(m, depth+1)
		if err != nil {
			return nil, err
		}
		if r.left -= len(more); r.left < 0 { // before they are copied once more
			return nil, ErrYAMLBomb
		}
		all = append(all, more...)
	}
	return all, nil
}
