package manifest

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"

	"gopkg.in/yaml.v3"
)

// includes reads a pattern of paths, or a list of them.
func (p *parser) includes(f field) []text {
	p.notIncluded(f)
	nodes := []*yaml.Node{f.node}
	if f.node.Kind == yaml.SequenceNode {
		nodes = f.node.Content
		if len(nodes) == 0 {
			p.wrong(f.node, f.key+" is an empty list", "leave it out")
		}
	}
	var list []text
	for _, n := range nodes {
		if n, ok := p.look(n); ok {
			if t, ok := p.text(field{f.key, n}); ok {
				list = append(list, t)
			}
		}
	}
	return list
}

// notIncluded refuses what is about the whole tree in a manifest that another
// one includes.
func (p *parser) notIncluded(f field) {
	if p.included {
		p.wrong(f.node, f.key+" is about the whole tree, so it stands in the manifest that includes this one", "")
	}
}

// include reads the manifests that are included: their entries come behind
// those of this one, and know its hosts.
func (p *parser) include(d *draft, m *Manifest) {
	if p.included { // which is a mistake already
		return
	}
	for _, t := range d.includes {
		if p.options.Include == nil {
			p.wrong(t.node, "nothing can be included here", "")
			return
		}
		sources, err := p.options.Include(p.inDir(t.value()))
		switch {
		case err != nil:
			p.wrong(t.node, fmt.Sprintf("include: %s: %v", t.shown(), err), "")
		case len(sources) == 0:
			p.wrong(t.node, fmt.Sprintf("include: %s matches no file", t.shown()), "it is a path, relative to the manifest; * and ? stand for any text and one character of a name")
		}
		for _, s := range sources {
			q := p.other(s, true)
			q.outer = *m
			in := q.read(s.Data)
			m.Hosts = in.Hosts
			m.add(in)
			p.others = append(p.others, q.all()...)
		}
	}
}

// other is a parser of another file of the same tree.
func (p *parser) other(s Source, included bool) *parser {
	o := p.options
	o.File, o.Dir, o.Also = s.File, s.Dir, nil
	if rel, err := filepath.Rel(p.options.Dir, s.File); included && err == nil && p.options.Dir != "" {
		o.File = filepath.Join(filepath.Dir(p.options.File), rel) // as people know the folder
	}
	return &parser{options: o, named: p.named, included: included}
}

// join makes one manifest of two that were read each on its own.
func (p *parser) join(m, second *Manifest, first string) {
	for _, h := range second.Hosts {
		switch known := m.Host(h.Name); {
		case known == nil:
			m.Hosts = append(m.Hosts, h)
		case !reflect.DeepEqual(*known, h):
			p.wrongAt(1, 1, fmt.Sprintf("host %q is another one in %s", short(h.Name), first), "give one of them another name")
		}
	}
	m.add(second)
	m.Format = cmp.Or(m.Format, second.Format)
	m.Coverage = m.Coverage || second.Coverage
	if s := second.MaxShrink; s > 0 && (m.MaxShrink == 0 || s < m.MaxShrink) {
		m.MaxShrink = s
	}
}

// add takes over the entries and known issues of another manifest.
func (m *Manifest) add(other *Manifest) {
	from := m.nextIndex()
	for _, e := range other.Entries {
		e.Index += from
		m.Entries = append(m.Entries, e)
	}
	m.addKnown(other.KnownIssues, from)
}

// nextIndex is that of an entry behind all there are.
func (m *Manifest) nextIndex() int {
	if n := len(m.Entries); n > 0 {
		return m.Entries[n-1].Index + 1
	}
	return 0
}

// shrinkByDefault is how many percent of a selection may be missing when
// `max-shrink: true` asks for it.
const shrinkByDefault = 20

// percent reads a number of percent, or true for the default.
func (p *parser) percent(f field) int {
	const want = "a whole number of percent from 1 to 99, or true for 20"
	s, ok := p.scalar(f, "!!int !!bool", want)
	n, err := strconv.Atoi(s)
	switch {
	case !ok:
	case s == "true":
		return shrinkByDefault
	case s == "false":
	case err != nil || n < 1 || n > 99:
		p.wrong(f.node, f.key+" must be "+want, "")
	default:
		return n
	}
	return 0
}
