package manifest

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Copy says which files of a model and of its run are kept beside its
// report. The zero value keeps none but MLmodel, which is always kept.
type Copy struct {
	Evidence bool      // the preset: see Matches
	Patterns []Pattern // of paths such as `model/conda.yaml`; one without a slash is about the name of a file in any folder
}

// The words of `copy:` that are no patterns.
const (
	copyEvidence = "evidence"
	copyMLmodel  = "MLmodel"
	copyNothing  = "none"
)

// Where the paths that patterns are compared with begin: in the model's folder
// or among the artifacts of its run.
const (
	ofModel = "model/"
	ofRun   = "run/"
)

// ParseCopy reads the words of a `copy:`. The error about a word holds it, and
// wraps one that does not.
func ParseCopy(words []string) (Copy, error) {
	var c Copy
	for _, w := range words {
		switch w {
		case copyEvidence:
			c.Evidence = true
		case copyMLmodel:
		case copyNothing:
			if len(words) > 1 {
				return Copy{}, errors.New("none cannot stand beside others")
			}
		default:
			p, err := parsePath(w)
			if err != nil {
				return Copy{}, fmt.Errorf("%q %w", short(w), err)
			}
			c.Patterns = append(c.Patterns, p)
		}
	}
	return c, nil
}

// parsePath reads a pattern of paths.
func parsePath(text string) (Pattern, error) {
	p, err := ParsePattern(text)
	switch {
	case err != nil:
		return p, err
	case slices.Contains(strings.Split(text, "/"), ".."), strings.HasPrefix(text, "/"):
		return p, errors.New("leads out of the folders of the model and of its run")
	case strings.Contains(text, "/") && !p.begins(ofModel) && !p.begins(ofRun):
		return p, errors.New("matches no path: those of the model's files begin with model/, those of its run's with run/")
	}
	return p, nil
}

// begins tells whether a name that begins with some letters may match.
func (p Pattern) begins(with string) bool {
	chars := []rune(with)
	for i, x := range p.parts {
		switch {
		case i == len(chars), x.kind == anyText:
			return true
		case x.kind == theChar && x.char != chars[i]:
			return false
		}
	}
	return len(p.parts) > len(chars)
}

// IsZero tells whether nothing is kept but MLmodel.
func (c Copy) IsZero() bool { return !c.Evidence && len(c.Patterns) == 0 }

// Matches tells whether a file is kept. Its path begins with `model/` or
// `run/`. `evidence` is requirements.txt, conda.yaml and python_env.yaml of the
// model, and files that people and browsers can read, of the model and of the
// run; the model's input example belongs to it, too.
func (c Copy) Matches(file string) bool {
	return c.Evidence && isEvidence(file) || slices.ContainsFunc(c.Patterns, func(p Pattern) bool {
		return p.Match(file) || !strings.Contains(p.text, "/") && p.Match(path.Base(file))
	})
}

// KeepsRequirements tells whether the model's requirements.txt is kept: then
// what is in it costs nothing.
func (c Copy) KeepsRequirements() bool { return c.Matches(requirementsFile) }

const requirementsFile = "model/requirements.txt"

func isEvidence(file string) bool {
	switch file {
	case requirementsFile, "model/conda.yaml", "model/python_env.yaml":
		return true
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".json", ".png", ".svg", ".pdf", ".html":
		return true
	}
	return false
}

// OfModel tells whether any file of a model may match, OfRun the same of a run:
// to list them costs requests.
func (c Copy) OfModel() bool { return c.of(ofModel) }

// OfRun is like OfModel.
func (c Copy) OfRun() bool { return c.of(ofRun) }

func (c Copy) of(where string) bool {
	return c.Evidence || slices.ContainsFunc(c.Patterns, func(p Pattern) bool {
		return !strings.Contains(p.text, "/") || p.begins(where)
	})
}

// copies reads `copy:`, a word or a list of them.
func (p *parser) copies(f field) *Copy {
	nodes := []*yaml.Node{f.node}
	if f.node.Kind == yaml.SequenceNode {
		nodes = f.node.Content
	}
	var words []string
	before := len(p.mistakes)
	for _, n := range nodes {
		n, ok := p.look(n)
		if !ok {
			return nil
		}
		t, ok := p.text(field{f.key, n})
		if !ok {
			continue
		}
		if _, err := ParseCopy([]string{t.value()}); err != nil {
			why := errors.Unwrap(err) // without the word, which may be a secret
			p.wrong(n, fmt.Sprintf("%s: %s %v", f.key, t.shown(), why), "write evidence, or patterns such as model/conda.yaml, run/plots/*.png or *.json")
		}
		words = append(words, t.value())
	}
	if len(p.mistakes) > before {
		return nil
	}
	c, err := ParseCopy(words)
	if err != nil {
		p.wrong(f.node, f.key+": "+err.Error(), "")
	}
	return &c
}
