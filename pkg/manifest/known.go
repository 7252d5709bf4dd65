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
	File string // the manifest
	Line int    // in it

	Entry  Pattern     // what it is compared with: see Fits
	Code   mlflow.Code // of the issue
	Reason string
	Until  time.Time // its last day; zero: for good

	// It is about entries whose Index is from first to before end: those of the
	// manifest that says it, and of those that this one includes.
	first, end int
}

// Fits tells whether it is about one of these names (URIs as asked for or
// resolved, names, models) that an entry goes by.
func (k KnownIssue) Fits(names ...string) bool { return slices.ContainsFunc(names, k.Entry.Match) }

// IsAbout tells whether it stands in a manifest that this entry belongs to.
func (k KnownIssue) IsAbout(e Entry) bool { return e.Index >= k.first && e.Index < k.end }

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
		k, has := KnownIssue{File: p.options.File, Line: item.Line, end: -1}, map[string]bool{}
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
			k.Reason = p.line(f)
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

// addKnown takes over known issues: those of this manifest, which are about all
// entries so far, or those of another one whose entries begin at from.
func (m *Manifest) addKnown(list []KnownIssue, from int) {
	for _, k := range list {
		if k.end < 0 {
			k.end = m.nextIndex()
		} else {
			k.first, k.end = k.first+from, k.end+from
		}
		m.KnownIssues = append(m.KnownIssues, k)
	}
}
