package manifest

import (
	"fmt"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A KnownIssue is an issue that somebody has looked at, and that shall not
// fail a batch.
type KnownIssue struct {
	Line   int         // in the manifest
	Entry  Pattern     // of the URI, as asked for or resolved, the name or the model
	Code   mlflow.Code // of the issue
	Reason string
	Until  time.Time // the last day it counts; zero: for good
}

// Expired tells whether its last day, in UTC, is over.
func (k KnownIssue) Expired(now time.Time) bool {
	return !k.Until.IsZero() && !now.Before(k.Until.AddDate(0, 0, 1))
}

// known reads `known-issues`.
func (p *parser) known(f field) []KnownIssue {
	var list []KnownIssue
	for _, item := range p.list(f, "a list") {
		n, ok := p.look(item)
		if !ok {
			break
		}
		k, has := KnownIssue{Line: item.Line}, map[string]bool{}
		p.mapping(field{"a known issue", n}, "a known issue", p.knownKeys(&k, has))
		for _, name := range []string{"entry", "code", "reason"} {
			if n.Kind == yaml.MappingNode && !has[name] {
				p.wrong(n, "a known issue has no `"+name+":`", `write {entry: "models:/old_*", code: artifact-missing, reason: "files were lost", until: 2027-01-31}`)
			}
		}
		list = append(list, k)
	}
	return list
}

func (p *parser) knownKeys(k *KnownIssue, has map[string]bool) []key {
	return []key{
		{name: "entry", read: func(f field) {
			has["entry"] = true
			p.parsed(f, func(text string) (err error) {
				k.Entry, err = ParsePattern(text)
				return err
			}, "`*` stands for any text, `?` for one character")
		}},
		{name: "code", read: func(f field) {
			has["code"] = true
			k.Code = p.code(f)
		}},
		{name: "reason", read: func(f field) {
			has["reason"] = true
			if t, ok := p.text(f); ok && t.value() == "" {
				p.wrong(f.node, "reason is empty", "say why the issue is no surprise, for whoever reads this next")
			} else {
				k.Reason = t.value()
			}
		}},
		{name: "until", read: func(f field) { k.Until = p.day(f) }},
	}
}

// code reads the code of an issue.
func (p *parser) code(f field) mlflow.Code {
	t, ok := p.text(f)
	code := mlflow.Code(t.value())
	if !ok || slices.Contains(mlflow.Codes(), code) {
		return code
	}
	var names []string
	for _, c := range mlflow.Codes() {
		names = append(names, string(c))
	}
	hint := "docs/report-format.md lists them"
	if near := Nearest(t.value(), names); near != "" && !t.isFilled() {
		hint = "did you mean " + near + "?"
	}
	p.wrong(f.node, fmt.Sprintf("code: there is no issue %s", t.shown()), hint)
	return ""
}

// day reads a date, which YAML may take for one by itself.
func (p *parser) day(f field) time.Time {
	const want = "a date such as 2027-01-31"
	text, ok := p.scalar(f, "!!str !!timestamp", want)
	if !ok {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		p.wrong(f.node, f.key+" must be "+want, "")
	}
	return day
}
