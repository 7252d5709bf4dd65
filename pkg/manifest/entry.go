package manifest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// settings are what both `defaults` and an entry may say.
type settings struct {
	hosts       hostsWanted
	level       *Level
	objects     *bool
	markdown    *bool
	lineage     *bool
	permissions *bool
	copy        *Copy
	history     *Level
	environment *bool
	owner       string // "" when it is not there
	serving     *bool
	tables      *bool
}

func (p *parser) settingsKeys(s *settings) []key {
	truth := func(to **bool) func(field) {
		return func(f field) {
			if v, ok := p.truth(f); ok {
				*to = &v
			}
		}
	}
	return []key{
		{name: "host", read: func(f field) { s.hosts = p.hostsOf(f) }},
		{name: "artifact-max-level", read: func(f field) { s.level = p.level(f) }},
		{name: "objects", read: truth(&s.objects)},
		{name: "copy", read: func(f field) { s.copy = p.copies(f) }},
		{name: "metric-history", read: func(f field) { s.history = p.points(f) }},
		{name: "environment", read: truth(&s.environment)},
		{name: "lineage", read: truth(&s.lineage)},
		{name: "markdown", read: truth(&s.markdown)},
		{name: "permissions", read: truth(&s.permissions)},
		{name: "serving", read: truth(&s.serving)},
		{name: "table-lineage", read: truth(&s.tables)},
		{name: "owner", read: func(f field) { s.owner = p.line(f) }},
	}
}

// hostsWanted are the hosts that `host:` means.
type hostsWanted struct {
	node  *yaml.Node // nil when it is not there
	names []text
	all   bool // `*`
}

// hostsOf reads the name of a host, a list of names, or `*` for all.
func (p *parser) hostsOf(f field) hostsWanted {
	w := hostsWanted{node: f.node}
	if f.node.Kind == yaml.SequenceNode {
		if len(f.node.Content) == 0 {
			p.wrong(f.node, f.key+" is an empty list", "leave it out, or name a host")
		}
		for _, item := range f.node.Content {
			n, ok := p.look(item)
			if !ok {
				break
			}
			switch t, ok := p.text(field{f.key, n}); {
			case ok && t.value() == "*":
				p.wrong(n, "`*` stands for all hosts, so it stands alone", "write host: '*'")
			case ok:
				w.names = append(w.names, t)
			}
		}
		return w
	}
	t, ok := p.text(f)
	switch {
	case ok && t.value() == "*":
		w.all = true
	case ok:
		w.names = []text{t}
	}
	return w
}

// line reads text that is one line.
func (p *parser) line(f field) string {
	t, _ := p.text(f)
	p.oneLine(f, t.value())
	return t.value()
}

func (p *parser) oneLine(f field, s string) {
	if hasControl(s) {
		p.wrong(f.node, f.key+" has a line break or another control character in it", "")
	}
}

// level reads how deep artifacts are listed.
func (p *parser) level(f field) *Level {
	const want = "a whole number from 0, all or none"
	s, ok := p.scalar(f, "!!int !!str", want)
	if !ok {
		return nil
	}
	level := NoLevel
	switch n, err := strconv.ParseUint(s, 10, 31); {
	case s == "all":
		level = AllLevels
	case s == "none":
	case err == nil:
		level = Level(n)
	default:
		p.wrong(f.node, f.key+" must be "+want, "")
		return nil
	}
	return &level
}

// An entryDraft is an entry before it is held against the rest.
type entryDraft struct {
	Entry
	settings
	node              *yaml.Node
	uri, name         text // nodes are nil when they are not there
	ref               bool // Ref is set
	hasURI, hasSelect bool
	allowEmpty        *yaml.Node
	empty             bool
}

func (p *parser) entryDrafts(f field) []entryDraft {
	var list []entryDraft
	items := p.list(f, "a list")
	if f.node.Kind == yaml.SequenceNode && len(items) == 0 {
		p.wrong(f.node, "models is an empty list", "name a model, such as models:/name/1")
	}
	for i, item := range items {
		n, ok := p.look(item)
		if !ok {
			break
		}
		d := entryDraft{node: n}
		d.Index, d.Line, d.Column = i, item.Line, item.Column
		if n.Kind == yaml.ScalarNode {
			d.hasURI = true
			p.uri(field{"the entry", n}, &d)
		} else {
			p.mapping(field{"an entry", n}, "an entry", p.entryKeys(&d))
		}
		list = append(list, d)
	}
	return list
}

func (p *parser) entryKeys(d *entryDraft) []key {
	return append(p.settingsKeys(&d.settings), []key{
		{name: "uri", read: func(f field) {
			d.hasURI = true
			p.uri(f, d)
		}},
		{name: "select", read: func(f field) {
			d.hasSelect = true
			d.Select = p.selection(f)
		}},
		{name: "name", read: func(f field) {
			d.name, _ = p.text(f)
			d.Name = d.name.value()
			p.oneLine(f, d.Name)
		}},
		{name: "allow-empty", read: func(f field) {
			d.allowEmpty = f.node
			d.empty, _ = p.truth(f)
		}},
	}...)
}

// uri reads a model URI.
func (p *parser) uri(f field, d *entryDraft) {
	t, ok := p.text(f)
	if !ok {
		return
	}
	d.uri, d.URI = t, f.node.Value
	ref, err := mlflow.ParseRef(t.value())
	if err != nil {
		p.badRef(t, err)
		return
	}
	if ref.Registry != "" {
		p.notServed(f.node, t.key+": a registry in a model URI ("+t.shown()+")",
			"name the registry as `registry:` of the host (databricks://PROFILE, databricks-uc://PROFILE)")
		return
	}
	if ref.Kind == mlflow.LocationRef {
		ref.Location, ok = p.location(t)
	}
	d.Ref, d.ref = ref, ok
}

func (p *parser) badRef(t text, err error) {
	var re *mlflow.RefError
	message, hint := "is not a model URI", mlflow.Hint(err)
	if errors.As(err, &re) {
		message = re.Problem
	}
	if t.isFilled() { // a hint may repeat parts of the URI
		hint = "write models:/name/version, models:/name@alias or runs:/<run id>/path"
	}
	p.wrong(t.node, fmt.Sprintf("%s: %s %s", t.key, t.shown(), message), hint)
}

// location reads the location of a model folder.
func (p *parser) location(t text) (string, bool) {
	before := len(p.mistakes)
	v := t.value()
	scheme := mlflow.SchemeOf(v)
	switch {
	case scheme == "" || scheme == "file":
		v = p.local(t)
	case isServer(scheme):
		if p.noPassword(t) {
			p.checkServer(t, false)
		}
	case scheme == "mlflow-artifacts" || isBucket(scheme):
		p.noPassword(t)
	default:
		hint := "write models:/name/version, models:/name@alias, runs:/<run id>/path or the path of a folder"
		if near := Nearest(scheme, []string{"models", "runs", "mlflow-artifacts", "file"}); near != "" && !t.isFilled() {
			hint = fmt.Sprintf("did you mean %s:?", near)
		}
		p.wrong(t.node, fmt.Sprintf("%s: %s is not a model URI", t.key, t.shown()), hint)
	}
	return v, len(p.mistakes) == before
}

// parsed reads a text with a grammar of its own.
func (p *parser) parsed(f field, parse func(string) error, hint string) {
	t, ok := p.text(f)
	if !ok {
		return
	}
	if err := parse(t.value()); err != nil {
		p.wrong(f.node, fmt.Sprintf("%s: %s %v", f.key, t.shown(), err), hint)
	}
}

// entries takes over the entries: with defaults, and held against each other.
func (p *parser) entries(d *draft, m *Manifest) {
	for i := range d.entries {
		e := &d.entries[i]
		p.checkParts(e)
		p.takeName(e)
		e.apply(d.defaults)
		hosts := p.hostsFor(e, d, m)
		if len(hosts) > 1 && e.name.node != nil {
			p.wrong(e.name.node, "the entry is for several hosts, so it cannot have one name", "leave out name, or make it an entry per host")
		}
		for _, h := range hosts {
			e.Host = h
			m.Entries = append(m.Entries, e.Entry)
		}
	}
}

// takeName notes the name of an entry, which no other may have.
func (p *parser) takeName(e *entryDraft) {
	if e.Name == "" {
		return
	}
	file, line, _ := strings.Cut(p.named[e.Name], "\n")
	switch {
	case line == "":
		p.named[e.Name] = fmt.Sprintf("%s\n%d", p.options.File, e.Line)
	case file == p.options.File:
		p.wrong(e.name.node, fmt.Sprintf("name: %s is taken by the entry on line %s", e.name.shown(), line), "")
	default:
		p.wrong(e.name.node, fmt.Sprintf("name: %s is taken by the entry on line %s of %s", e.name.shown(), line, file), "")
	}
}

// checkParts holds the keys of one entry against each other.
func (p *parser) checkParts(e *entryDraft) {
	switch {
	case e.node.Kind != yaml.MappingNode && e.node.Kind != yaml.ScalarNode:
		return // said already
	case e.hasURI && e.hasSelect:
		p.wrong(e.node, "an entry has either a uri or a select, not both", "make it two entries")
	case !e.hasURI && !e.hasSelect:
		p.wrong(e.node, "an entry needs a uri or a select", "")
	case e.hasSelect && e.name.node != nil:
		p.wrong(e.name.node, "a select may find many models, so it cannot have one name", "leave out name")
	case e.ref && e.Ref.Kind == mlflow.LocationRef && e.name.node == nil:
		hint := "add name: to the entry"
		if !strings.ContainsAny(e.URI, `/\:.`) && !e.uri.isFilled() {
			hint = fmt.Sprintf("for a registered model write models:/%s/latest", short(e.URI))
		}
		p.wrong(e.node, "the location of a model folder needs a name, which says where its report goes", hint)
	}
	if e.allowEmpty != nil && !e.hasSelect {
		p.wrong(e.allowEmpty, "allow-empty is about a select", "leave it out")
	}
	if e.Select != nil {
		e.Select.AllowEmpty = e.empty
	}
}

// hostsFor finds the hosts of an entry; "" when there is none to name.
func (p *parser) hostsFor(e *entryDraft, d *draft, m *Manifest) []string {
	switch {
	case e.node.Kind != yaml.MappingNode && e.uri.node == nil: // no entry at all
		return nil
	case e.hosts.node != nil:
		return p.hostsNamed(e.hosts, d, m)
	case m.DefaultHost != "" || len(m.Hosts) < 2:
		return []string{m.DefaultHost}
	case d.defaults.hosts.node != nil:
		return p.hostsNamed(d.defaults.hosts, d, m)
	}
	p.wrong(e.node, "there are several hosts, and the entry names none", "add host: to the entry or to defaults")
	return nil
}

// apply fills in what the entry does not say.
func (e *entryDraft) apply(d settings) {
	for _, s := range []settings{d, e.settings} {
		set(&e.ArtifactMaxLevel, s.level)
		set(&e.Objects, s.objects)
		set(&e.Copy, s.copy)
		set(&e.MetricHistory, s.history)
		set(&e.Markdown, s.markdown)
		set(&e.Lineage, s.lineage)
		set(&e.Permissions, s.permissions)
		set(&e.Serving, s.serving)
		set(&e.TableLineage, s.tables)
	}
	e.Environment = e.Copy.KeepsRequirements()
	set(&e.Environment, d.environment)
	set(&e.Environment, e.settings.environment)
	e.Owner, e.DefaultOwner = e.owner, d.owner
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}
