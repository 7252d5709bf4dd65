package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// A field is a value and the key that it stands at.
type field struct {
	key  string
	node *yaml.Node
}

// A key is one that a mapping may have.
type key struct {
	name string
	read func(field)
}

// mapping reads a mapping whose keys are known.
func (p *parser) mapping(f field, what string, keys []key) {
	for _, pair := range p.pairs(f, "a mapping") {
		name := pair.key.Value
		i := 0
		for i < len(keys) && keys[i].name != name {
			i++
		}
		switch {
		case i == len(keys):
			p.wrong(pair.key, fmt.Sprintf("unknown key %q in %s", short(name), what), hintFor(name, keys))
		default:
			if n, ok := p.look(pair.value); ok {
				keys[i].read(field{name, n})
			}
		}
	}
}

// A pair is a key, which is text, and its value, which may be an alias.
type pair struct{ key, value *yaml.Node }

// maxMerges is how deep merged mappings (`<<`) may merge others.
const maxMerges = 20

// pairs lists a mapping, merged ones included; want says what the value should
// have been.
func (p *parser) pairs(f field, want string) []pair {
	if f.node.Kind != yaml.MappingNode {
		p.wrongType(f, want)
		return nil
	}
	return p.merge(f.node, 0)
}

// merge lists the keys of n, and those of mappings that it merges where it has
// none of that name.
func (p *parser) merge(n *yaml.Node, depth int) []pair {
	list, merged := p.own(n)
	if len(merged) == 0 {
		return list
	}
	if depth == maxMerges {
		p.wrong(n, fmt.Sprintf("mappings are merged more than %d deep", maxMerges), "")
		return list
	}
	seen := map[string]bool{}
	for _, own := range list {
		seen[own.key.Value] = true
	}
	for _, m := range p.mergedOf(merged) {
		for _, more := range p.merge(m, depth+1) {
			if !seen[more.key.Value] {
				seen[more.key.Value] = true
				list = append(list, more)
			}
		}
	}
	return list
}

// mergedOf lists the mappings that the values of `<<` keys name.
func (p *parser) mergedOf(values []*yaml.Node) []*yaml.Node {
	var list []*yaml.Node
	for len(values) > 0 {
		n, ok := p.look(values[0])
		values = values[1:]
		switch {
		case !ok:
			return nil
		case n.Kind == yaml.MappingNode:
			list = append(list, n)
		case n.Kind == yaml.SequenceNode:
			values = slices.Concat(n.Content, values)
		default:
			p.wrong(n, "`<<` takes a mapping, not "+kindOf(n), "")
		}
	}
	return list
}

// own lists the pairs that stand in n itself, and the values of its `<<` keys.
func (p *parser) own(n *yaml.Node) (list []pair, merged []*yaml.Node) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, ok := p.look(n.Content[i])
		switch {
		case !ok:
			return nil, nil
		case k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge":
			merged = append(merged, n.Content[i+1])
		case k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str":
			p.wrong(n.Content[i], "a key must be text, not "+kindOf(k), "put it in quotes")
		case first[k.Value] > 0:
			p.wrong(n.Content[i], fmt.Sprintf("the key %q is there twice, first on line %d", short(k.Value), first[k.Value]), "")
		default:
			first[k.Value] = n.Content[i].Line
			list = append(list, pair{k, n.Content[i+1]})
		}
	}
	return list, merged
}

// list reads the items of a list.
func (p *parser) list(f field, want string) []*yaml.Node {
	if f.node.Kind != yaml.SequenceNode {
		p.wrongType(f, want)
		return nil
	}
	return f.node.Content
}

// truth reads true or false.
func (p *parser) truth(f field) (bool, bool) {
	if s, ok := p.scalar(f, "!!bool", "true or false"); ok {
		if s = strings.ToLower(s); s == "true" || s == "false" {
			return s == "true", true
		}
		p.wrong(f.node, f.key+" must be true or false", "")
	}
	return false, false
}

// number reads a whole number from 0.
func (p *parser) number(f field, want string) (int, bool) {
	s, ok := p.scalar(f, "!!int", want)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		p.wrong(f.node, f.key+" must be "+want, "")
		return 0, false
	}
	return int(n), true
}

// rate reads a number above 0.
func (p *parser) rate(f field) float64 {
	const want = "a number above 0"
	s, ok := p.scalar(f, "!!int !!float", want)
	if !ok {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > 0 && v < 1e9) {
		p.wrong(f.node, f.key+" must be "+want, "")
		return 0
	}
	return v
}

// duration reads a time such as 30s, or a number of seconds.
func (p *parser) duration(f field) time.Duration {
	const want = "a time such as 30s or 2m"
	s, ok := p.scalar(f, "!!str !!int !!float", want)
	if !ok {
		return 0
	}
	if strings.Trim(s, "0123456789.") == "" {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		p.wrong(f.node, f.key+" must be "+want, "")
		return 0
	}
	return d
}

// scalar reads the text of a value that has one of the tags, or that is text
// with something filled in.
func (p *parser) scalar(f field, tags, want string) (string, bool) {
	if f.node.Kind != yaml.ScalarNode {
		p.wrongType(f, want)
		return "", false
	}
	if strings.Contains(tags, f.node.ShortTag()) && f.node.ShortTag() != "!!str" {
		return f.node.Value, true
	}
	if f.node.ShortTag() == "!!str" && (strings.Contains(tags, "!!str") || strings.Contains(f.node.Value, "${")) {
		t, ok := p.fill(f)
		return t.value(), ok
	}
	p.wrongType(f, want)
	return "", false
}
