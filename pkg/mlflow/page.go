package mlflow

import (
	"net/url"
	"strings"
)

// A Page is what a page of MLflow's web interface shows, read off its address.
type Page struct {
	Server       string // address of the server, without the page
	Workspace    string // of MLflow 3; mostly ""
	Ref          Ref    // of a version, a logged model, or a model among a run's files; zero: see below
	Model        string // a registered model with all its versions
	RunID        string // a run with all models that it logged
	ExperimentID string // an experiment, when the page shows nothing smaller
}

// ParsePage reads the address of a page, such as
// `https://host/#/models/fraud/versions/7`. ok is false for any other address,
// that of the server included.
func ParsePage(address string) (p Page, ok bool) {
	server, fragment, found := strings.Cut(address, "#")
	if scheme := SchemeOf(address); !found || scheme != "http" && scheme != "https" {
		return Page{}, false
	}
	fragment, _, _ = strings.Cut(fragment, "?")
	server, _, _ = strings.Cut(server, "?")
	p.Server = strings.TrimRight(server, "/")
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(fragment, "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			return Page{}, false
		}
		parts = append(parts, name)
	}
	if len(parts) > 2 && parts[0] == "workspaces" {
		p.Workspace, parts = parts[1], parts[2:]
	}
	return p, p.read(parts)
}

// read reads the path of a page.
func (p *Page) read(parts []string) bool {
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch {
	case at(0) == "models" && at(1) != "" && (at(2) == "versions" || at(2) == "version"):
		ref, err := ParseRef("models:/" + at(1) + "/" + at(3))
		p.Ref = ref
		return err == nil && ref.Kind == VersionRef
	case at(0) == "models" && at(1) != "":
		p.Model = at(1)
	case at(0) == "experiments" && at(2) == "runs" && isID(at(3)):
		p.RunID = at(3)
		if i := 4; len(parts) > 5 && (at(i) == "artifactPath" || at(i) == "artifacts") {
			p.Ref = Ref{Kind: RunRef, RunID: at(3), Path: strings.Join(parts[5:], "/")}
		}
	case at(0) == "experiments" && at(2) == "models" && isModelID(at(3)):
		p.Ref = Ref{Kind: LoggedModelRef, ModelID: at(3)}
	case at(0) == "experiments" && isID(at(1)):
		p.ExperimentID = at(1)
	default:
		return false
	}
	return true
}
