package manifest

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Options says where a manifest comes from.
type Options struct {
	File string // its name in messages; `-` for standard input

	// Dir is the folder that relative paths are relative to, mostly the
	// manifest's own, as an absolute path. "" leaves them as they are, which is
	// relative to the current folder. So does a path that comes from an
	// environment variable.
	Dir string

	LookupEnv func(name string) (string, bool)  // serves ${env:NAME}; nil: nothing is set
	ReadFile  func(path string) ([]byte, error) // serves ${file:path}; nil: no file can be read

	// Include serves `include:`: the manifests that a pattern of paths matches,
	// in order; nil: nothing can be included.
	Include func(pattern string) ([]Source, error)

	// Also are manifests that make one tree together with this one. Each is
	// read on its own; hosts of the same name must be the same.
	Also []Source
}

// A Source is a manifest with its place; see Options.
type Source struct {
	File, Dir string
	Data      []byte
}

// A Manifest is what a batch is to do. Everything in it is resolved: defaults
// are applied, values filled in, relative paths made absolute.
type Manifest struct {
	// Hosts are in the order of the file. None means that the manifest has no
	// `hosts:`: then the environment says which store to read, as in MLflow.
	Hosts       []Host
	DefaultHost string // for entries that name none; "" without hosts, or when each entry must name one
	Entries     []Entry
	Format      string // of the reports: `tree`, `jsonl` or `both`; "" when not given

	KnownIssues []KnownIssue // in the order of the files

	Coverage  bool // also say which registered models no entry covers
	MaxShrink int  // by how many percent a selection may shrink against the last tree; 0: any
}

// Host returns the host of that name, or nil.
func (m *Manifest) Host(name string) *Host {
	for i := range m.Hosts {
		if m.Hosts[i].Name == name {
			return &m.Hosts[i]
		}
	}
	return nil
}

// A Host is one store of models: a server, a database or a folder.
type Host struct {
	Name     string
	Tracking string // URI; a local path in it is to be read with mlflow.LocalPath
	Registry string // URI; Tracking when the manifest names none
	Source   string // Tracking as the manifest names it, relative paths kept, without user and query: for reports

	UI        string // base of links; "" when not given
	Workspace string // of MLflow 3; "" when not given

	ArtifactRoots map[string]string // prefix of locations -> folder, a plain path
	Headers       map[string]string // of each request
	Auth          Auth
	TLS           TLS
	Limits        Limits
}

// TLS is how a server's certificate is checked. The files are plain paths.
type TLS struct {
	Insecure   bool   // not at all
	CA         string // PEM file to trust
	ClientCert string // PEM file with certificate and key
}

// Limits of what a host is asked at a time; 0 is the program's default.
type Limits struct {
	InFlight          int
	RequestsPerSecond float64
	Timeout           time.Duration // of one request
}

// An Entry is one line of `models:`: a URI or a selection.
type Entry struct {
	Index        int // from 0; what an entry means for several hosts has the same
	Line, Column int // in the manifest

	URI    string     // as written, before values were filled in; "" with Select
	Ref    mlflow.Ref // what it says; a local location is absolute
	Select *Select    // set instead of URI and Ref

	Name             string // of the place in the tree; "" when what it resolves to says it
	Host             string // "" when the manifest has no hosts
	ArtifactMaxLevel Level
	Objects          bool
	Copy             Copy  // files to keep
	MetricHistory    Level // points of each metric: none, all, or that many
	Environment      bool  // read what the model needs to run; default: when Copy keeps its requirements.txt
	Lineage          bool  // the graph of the report, the run's parent and children included
	Markdown         bool  // a report.md beside the report
	Permissions      bool  // who may do what with the model and the experiment, where the store knows
	Serving          bool  // the endpoints that serve the version (Databricks)
	TableLineage     bool  // the lineage of the tables of the training data (Databricks)

	Owner        string // who answers for the models, whatever their tags say; "" when not given
	DefaultOwner string // of models without a tag that names one; "" when not given
}

// A Level is how deep the folders of artifacts are listed, or how many points
// of a metric are kept.
type Level int

// The levels that have names; any other number counts folders in folders, or points.
const (
	NoLevel   Level = 0
	AllLevels Level = -1
)

// Parse reads a manifest. The error is of type Mistakes, with all of them.
func Parse(data []byte, o Options) (*Manifest, error) {
	p := &parser{options: o, named: map[string]string{}}
	m := p.read(data)
	mistakes := p.all()
	for _, s := range o.Also {
		more := p.other(s, false)
		second := more.read(s.Data)
		more.join(m, second, o.File)
		mistakes = append(mistakes, more.all()...)
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return m, nil
}

// read reads one manifest, with those that it includes.
func (p *parser) read(data []byte) *Manifest {
	m := &Manifest{Hosts: slices.Clip(p.outer.Hosts), DefaultHost: p.outer.DefaultHost}
	if root := p.document(data); root != nil {
		p.manifest(root, m)
	}
	return m
}

// manifest reads the whole: first all keys, then what depends on other keys.
func (p *parser) manifest(root *yaml.Node, m *Manifest) {
	if root.Kind != yaml.MappingNode {
		p.wrong(root, "a manifest is a mapping that begins with `version: 1`, not "+kindOf(root), "")
		return
	}
	d := &draft{}
	p.mapping(field{"the manifest", root}, "a manifest", p.rootKeys(d))
	if !d.versioned {
		p.wrong(root, "the first line must say `version: 1`", "")
	}
	if !d.listed && len(d.includes) == 0 {
		p.wrong(root, "there is no `models:`, the list of what to report on", "")
	}
	m.Format = d.format
	m.Coverage, m.MaxShrink = d.coverage, d.maxShrink
	p.hosts(d, m)
	p.entries(d, m)
	p.include(d, m)
	m.addKnown(d.known, 0)
}

// A draft is what the keys say, each on its own.
type draft struct {
	versioned, listed, hosted bool
	hosts                     []hostDraft
	defaults                  settings
	entries                   []entryDraft
	format                    string
	includes                  []text
	coverage                  bool
	maxShrink                 int
	known                     []KnownIssue
}

func (p *parser) rootKeys(d *draft) []key {
	return []key{
		{name: "version", read: func(f field) {
			d.versioned = true
			p.version(f)
		}},
		{name: "hosts", read: func(f field) {
			d.hosted = true
			d.hosts = p.hostDrafts(f)
		}},
		{name: "defaults", read: func(f field) { p.mapping(f, "defaults", p.settingsKeys(&d.defaults)) }},
		{name: "format", read: func(f field) { d.format = p.format(f); p.notIncluded(f) }},
		{name: "include", read: func(f field) { d.includes = p.includes(f) }},
		{name: "coverage", read: func(f field) { d.coverage, _ = p.truth(f); p.notIncluded(f) }},
		{name: "max-shrink", read: func(f field) { d.maxShrink = p.percent(f); p.notIncluded(f) }},
		{name: "known-issues", read: func(f field) { d.known = p.known(f) }},
		{name: "models", read: func(f field) {
			d.listed = true
			d.entries = p.entryDrafts(f)
		}},
	}
}

// format reads in which form the reports are left.
func (p *parser) format(f field) string {
	const want = "tree, jsonl or both"
	switch s, ok := p.scalar(f, "!!str", want); {
	case !ok:
		return ""
	case s == "tree", s == "jsonl", s == "both":
		return s
	}
	p.wrong(f.node, f.key+" must be "+want, "")
	return ""
}

func (p *parser) version(f field) {
	if f.node.Kind != yaml.ScalarNode || f.node.ShortTag() != "!!int" {
		p.wrongType(f, "the number 1")
		return
	}
	if f.node.Value != "1" {
		p.wrong(f.node, "this program reads manifests of version 1, not "+f.node.Value, "")
	}
}
