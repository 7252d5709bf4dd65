package manifest

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Select chooses many models: versions of registered models (Models and
// Filter), what runs logged (Experiments and Runs), or logged models of MLflow
// 3 (LoggedModels, and Experiments and Filter to narrow them).
type Select struct {
	Models   Pattern // of names of registered models
	Filter   string  // MLflow's filter string about registered models or logged models
	Versions VersionSelector

	Experiments  *Pattern // of names; nil: all
	Runs         *string  // MLflow's filter string about runs; "" is all of them
	LoggedModels *Pattern // of names

	Exclude    []Pattern // of names (of runs: the experiment's) or resolved URIs that are passed over
	AllowEmpty bool      // nothing to select is no error
}

// Excludes tells whether a name or a URI is passed over.
func (s *Select) Excludes(name, uri string) bool {
	for _, p := range s.Exclude {
		if name != "" && p.Match(name) || uri != "" && p.Match(uri) {
			return true
		}
	}
	return false
}

// String is the selection in the words of a manifest.
func (s *Select) String() string {
	var parts []string
	add := func(key, value string) { parts = append(parts, key+": "+value) }
	if s.LoggedModels != nil {
		add("logged-models", s.LoggedModels.String())
	}
	if s.Experiments != nil {
		add("experiments", s.Experiments.String())
	}
	if s.Runs != nil && *s.Runs != "" {
		add("runs", *s.Runs)
	}
	if s.LoggedModels == nil && s.Runs == nil {
		add("models", s.Models.String())
	}
	if s.Filter != "" {
		add("filter", s.Filter)
	}
	if s.LoggedModels == nil && s.Runs == nil {
		add("versions", s.Versions.String())
	}
	for _, p := range s.Exclude {
		add("exclude", p.String())
	}
	return strings.Join(parts, ", ")
}

// selection reads what stands at `select`.
func (p *parser) selection(f field) *Select {
	s, has := &Select{}, map[string]bool{}
	p.mapping(f, "select", p.selectKeys(s, has))
	if f.node.Kind != yaml.MappingNode {
		return s
	}
	const example = `write select: {models: "fraud_*", versions: latest}, {experiments: "/teams/*", runs: "metrics.auc > 0.9"} or {logged-models: "*"}`
	switch {
	case has["logged-models"]:
		p.noneOf(f, has, "logged-models", "models", "versions", "runs")
	case has["experiments"] || has["runs"]:
		p.noneOf(f, has, "runs and experiments", "models", "versions", "filter")
		if s.Runs == nil {
			s.Runs = new(string)
		}
	case !has["models"] && !has["filter"]:
		p.wrong(f.node, "select has no `models:`", example)
	case !has["versions"]:
		p.wrong(f.node, "select has no `versions:`", example)
	case !has["models"]:
		s.Models = anyName()
	}
	return s
}

// noneOf refuses keys that are about something else.
func (p *parser) noneOf(f field, has map[string]bool, what string, others ...string) {
	for _, other := range others {
		if has[other] {
			p.wrong(f.node, fmt.Sprintf("`%s:` has no meaning in a select of %s", other, what), "make it two entries")
		}
	}
}

// anyName is the pattern that every name fits.
func anyName() Pattern { return Pattern{text: "*", parts: []part{{kind: anyText}}} }

func (p *parser) selectKeys(s *Select, has map[string]bool) []key {
	pattern := func(f field, to *Pattern) {
		p.parsed(f, func(text string) (err error) {
			*to, err = ParsePattern(text)
			return err
		}, "`*` stands for any text, `?` for one character")
	}
	filter := func(f field, to *string) {
		p.parsed(f, func(text string) error {
			*to = text
			return nil
		}, "")
	}
	keys := []key{
		{name: "models", read: func(f field) { pattern(f, &s.Models) }},
		{name: "filter", read: func(f field) { filter(f, &s.Filter) }},
		{name: "versions", read: func(f field) {
			p.parsed(f, func(text string) (err error) {
				s.Versions, err = ParseVersions(text)
				return err
			}, "write one of all, latest, latest:5, aliases, alias:champion, stage:Production, filter:tags.tier = '1'")
		}},
		{name: "experiments", read: func(f field) {
			s.Experiments = &Pattern{}
			pattern(f, s.Experiments)
		}},
		{name: "runs", read: func(f field) {
			s.Runs = new(string)
			filter(f, s.Runs)
		}},
		{name: "logged-models", read: func(f field) {
			s.LoggedModels = &Pattern{}
			pattern(f, s.LoggedModels)
		}},
		{name: "exclude", read: func(f field) { s.Exclude = p.patterns(f) }},
	}
	for i := range keys {
		read := keys[i].read
		keys[i].read = func(f field) {
			has[f.key] = true
			read(f)
		}
	}
	return keys
}

// patterns reads a pattern or a list of them.
func (p *parser) patterns(f field) []Pattern {
	nodes := []*yaml.Node{f.node}
	if f.node.Kind == yaml.SequenceNode {
		nodes = f.node.Content
	}
	var list []Pattern
	for _, n := range nodes {
		if n, ok := p.look(n); ok {
			p.parsed(field{f.key, n}, func(text string) error {
				pattern, err := ParsePattern(text)
				if err == nil && text == "*" {
					err = errors.New("excludes everything")
				}
				list = append(list, pattern)
				return err
			}, "`*` stands for any text, `?` for one character")
		}
	}
	return list
}
