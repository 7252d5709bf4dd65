package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A hostDraft is a host before its keys are held against each other.
type hostDraft struct {
	Host
	key                      *yaml.Node
	node                     *yaml.Node
	auth                     *yaml.Node // nil when it is not there
	hasTracking, hasRegistry bool
}

func (p *parser) hostDrafts(f field) []hostDraft {
	var list []hostDraft
	pairs := p.pairs(f, "a mapping from names to hosts")
	if len(pairs) == 0 && f.node.Kind == yaml.MappingNode {
		p.wrong(f.node, "hosts names no host", "leave it out to read the store that MLFLOW_TRACKING_URI names")
	}
	for _, pair := range pairs {
		n, ok := p.look(pair.value)
		if !ok {
			break
		}
		d := hostDraft{key: pair.key, node: n}
		d.Name = pair.key.Value
		if strings.TrimSpace(d.Name) == "" || d.Name == "*" || hasControl(d.Name) {
			p.wrong(pair.key, fmt.Sprintf("%q cannot be the name of a host", short(d.Name)), "")
		}
		p.mapping(field{"host " + short(d.Name), n}, "a host", p.hostKeys(&d))
		list = append(list, d)
	}
	return list
}

func (p *parser) hostKeys(d *hostDraft) []key {
	return []key{
		{name: "tracking", read: func(f field) {
			d.hasTracking = true
			d.Tracking, d.Source = p.store(f)
		}},
		{name: "registry", read: func(f field) {
			d.hasRegistry = true
			d.Registry, _ = p.store(f)
		}},
		{name: "ui", read: func(f field) { d.UI = p.webAddress(f) }},
		{name: "workspace", read: func(f field) { d.Workspace = p.workspace(f) }},
		{name: "artifact-roots", read: func(f field) { d.ArtifactRoots = p.artifactRoots(f) }},
		{name: "headers", read: func(f field) { d.Headers = p.headers(f) }},
		{name: "auth", read: func(f field) {
			d.auth = f.node
			d.Auth = p.auth(f)
		}},
		{name: "tls", read: func(f field) { d.TLS = p.tls(f) }},
		{name: "limits", read: func(f field) { p.mapping(f, "limits", p.limitsKeys(&d.Limits)) }},
	}
}

// hosts takes over the hosts, and finds out which is the default.
func (p *parser) hosts(d *draft, m *Manifest) {
	for _, h := range d.hosts {
		if !h.hasTracking && h.node.Kind == yaml.MappingNode {
			p.wrong(h.key, fmt.Sprintf("host %q has no `tracking:`, the URI of its store", short(h.Name)), "")
		}
		if !h.hasRegistry {
			h.Registry = h.Tracking
		}
		p.authFits(&h)
		p.addHost(m, h)
	}
	switch {
	case d.defaults.hosts.node != nil:
		if names := p.hostsNamed(d.defaults.hosts, d, m); len(names) == 1 {
			m.DefaultHost = names[0]
		}
	case len(d.hosts) == 1:
		m.DefaultHost = d.hosts[0].Name
	}
}

// addHost takes over a host. The manifest that includes this one may have the
// same.
func (p *parser) addHost(m *Manifest, h hostDraft) {
	switch known := m.Host(h.Name); {
	case known == nil:
		m.Hosts = append(m.Hosts, h.Host)
	case !reflect.DeepEqual(*known, h.Host):
		p.wrong(h.key, fmt.Sprintf("host %q is another one in the manifest that includes this one", short(h.Name)), "give it another name, or leave it out to use that one")
	}
}

// hostsNamed lists the hosts that an entry means, in the order of the manifest
// for `*`, else in that of the list.
func (p *parser) hostsNamed(w hostsWanted, d *draft, m *Manifest) []string {
	var names []string
	if w.all {
		for _, h := range m.Hosts {
			names = append(names, h.Name)
		}
		if len(names) == 0 {
			p.wrong(w.node, "`*` stands for all hosts, and there are none", "the manifest has no `hosts:`: leave out host")
		}
		return names
	}
	for _, t := range w.names {
		name := p.hostNamed(t, d, m)
		if slices.Contains(names, name) {
			p.wrong(t.node, "the host "+t.shown()+" is there twice", "")
			continue
		}
		names = append(names, name)
	}
	return names
}

// hostNamed checks that there is such a host.
func (p *parser) hostNamed(t text, d *draft, m *Manifest) string {
	name := t.value()
	if m.Host(name) != nil {
		return name
	}
	var names []string
	for _, h := range m.Hosts {
		names = append(names, h.Name)
	}
	hint := "the hosts are: " + quoted(names)
	if near := Nearest(name, names); near != "" && !t.isFilled() {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if !d.hosted {
		hint = "the manifest has no `hosts:`"
	}
	p.wrong(t.node, "there is no host "+t.shown(), hint)
	return name
}

func (p *parser) workspace(f field) string {
	t, ok := p.text(f)
	name := t.value()
	good := len(name) >= 2 && len(name) <= 63 && name[0] != '-' && name[len(name)-1] != '-'
	for _, c := range []byte(name) {
		good = good && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if ok && !good {
		p.wrong(f.node, "workspace: "+t.shown()+" is no name of a workspace", "MLflow's are 2 to 63 small letters, digits and dashes")
	}
	return name
}

// headers reads the headers of each request. What logs in must not stand in
// the manifest.
func (p *parser) headers(f field) map[string]string {
	headers := map[string]string{}
	for _, pair := range p.pairs(f, "a mapping from names to values") {
		n, ok := p.look(pair.value)
		if !ok {
			break
		}
		name := pair.key.Value
		if !isToken(name) {
			p.wrong(pair.key, fmt.Sprintf("%q cannot be the name of a header", short(name)), "")
			continue
		}
		t, ok := p.text(field{"the header " + short(name), n})
		switch {
		case !ok:
		case hasControl(t.value()):
			p.wrong(n, t.key+" has a line break or another control character in its value", "")
		case isSecretHeader(name) && !t.isFilled():
			p.wrong(n, t.key+" must not stand here in clear", fillHint)
		default:
			headers[name] = t.value()
		}
	}
	return headers
}

const fillHint = "write ${env:NAME} or ${file:path}, so that the manifest can be shown to anybody"

func isSecretHeader(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "x-api-key":
		return true
	}
	return false
}

func isToken(s string) bool {
	for _, c := range []byte(s) {
		if !isWord(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c == 0x7f })
}

func (p *parser) tls(f field) TLS {
	t := TLS{}
	p.mapping(f, "tls", p.tlsKeys(&t))
	if t.Insecure && t.CA != "" {
		p.wrong(f.node, "tls is insecure and has a ca", "with a ca, the certificate is checked: leave out insecure")
	}
	return t
}

func (p *parser) tlsKeys(t *TLS) []key {
	return []key{
		{name: "insecure", read: func(f field) { t.Insecure, _ = p.truth(f) }},
		{name: "ca", read: func(f field) { t.CA = p.file(f) }},
		{name: "client-cert", read: func(f field) { t.ClientCert = p.file(f) }},
	}
}

func (p *parser) limitsKeys(l *Limits) []key {
	return []key{
		{name: "in-flight", read: func(f field) {
			const want = "a whole number from 1"
			n, ok := p.number(f, want)
			if ok && n < 1 {
				p.wrong(f.node, f.key+" must be "+want, "")
			}
			l.InFlight = n
		}},
		{name: "requests-per-second", read: func(f field) { l.RequestsPerSecond = p.rate(f) }},
		{name: "timeout", read: func(f field) { l.Timeout = p.duration(f) }},
	}
}
