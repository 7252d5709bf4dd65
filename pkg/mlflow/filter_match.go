package mlflow

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Match tells whether an object as MLflow's API shows it, or as a report does,
// is what the filter looks for. As in MLflow, what an object does not have
// fulfils no comparison, not even !=.
func (f Filter) Match(o *Object) bool {
	for _, t := range f.terms {
		if !f.fulfils(o, t) {
			return false
		}
	}
	return true
}

// IsZero tells whether the filter matches everything.
func (f Filter) IsZero() bool { return len(f.terms) == 0 }

func (f Filter) fulfils(o *Object, t term) bool {
	values := f.values(o, t.field)
	return slices.ContainsFunc(values, func(v string) bool {
		if t.field.in == metricField || t.field.in == attributeField && f.kind.attributesOf()[t.field.key].number {
			return compareNumbers(v, t.op, t.num)
		}
		return compareTexts(v, t)
	})
}

// values are what a field has to compare: mostly one value or none; a metric
// of a logged model may have several, of other runs and datasets.
func (f Filter) values(o *Object, at field) []string {
	info, data := o, o
	if i := o.Object("info"); i != nil {
		info, data = i, o.Object("data")
	}
	var values []string
	switch at.in {
	case attributeField:
		name := f.kind.attributesOf()[at.key].at
		if f.kind == RunFilter && name == "run_name" { // which the searches take from the tag
			if values = Pairs(data, "tags", "mlflow.runName"); len(values) > 0 {
				return values
			}
		}
		if info.Has(name) {
			values = []string{info.Text(name)}
		}
	case tagField:
		if data.Has("tags") {
			info = data
		}
		values = Pairs(info, "tags", at.key)
	default:
		values = Pairs(data, at.in+"s", at.key)
	}
	return values
}

// Pairs are the values of a key in a member that is a list of key and value,
// as MLflow's API shows tags, params and metrics, or an object, as reports show
// tags.
func Pairs(o *Object, member, key string) []string {
	if m := o.Object(member); m != nil {
		if v, ok := m.Get(key); ok {
			return []string{textOf(v)}
		}
		return nil
	}
	var values []string
	for p := range o.Objects(member) {
		if p.Text("key") == key {
			v, _ := p.Get("value")
			values = append(values, textOf(v))
		}
	}
	return values
}

// textOf is a value as the text that it was before a report exploded it.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Number:
		return string(v)
	case nil:
		return ""
	}
	return string(JSON{}.Append(nil, v))
}

func compareNumbers(v, op string, with float64) bool {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return false
	}
	switch op {
	case "=":
		return n == with
	case "!=":
		return n != with || math.IsNaN(n)
	case "<":
		return n < with
	case "<=":
		return n <= with
	case ">":
		return n > with
	}
	return n >= with
}

func compareTexts(v string, t term) bool {
	switch t.op {
	case "=":
		return v == t.text
	case "!=":
		return v != t.text
	case "LIKE":
		return likeText(v, t.text)
	case "ILIKE":
		return likeText(strings.ToLower(v), strings.ToLower(t.text))
	case "IN":
		return slices.Contains(t.texts, v)
	}
	return !slices.Contains(t.texts, v)
}

// likeText is SQL's LIKE without an escape character: % is any text, _ one
// character.
func likeText(s, pattern string) bool {
	text, pat := []rune(s), []rune(pattern)
	i, j := 0, 0
	star, from := -1, 0 // the last %, and where the text for it ends so far
	for j < len(text) {
		switch {
		case i < len(pat) && pat[i] == '%':
			star, from = i, j
			i++
		case i < len(pat) && (pat[i] == '_' || pat[i] == text[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(pat) && pat[i] == '%' {
		i++
	}
	return i == len(pat)
}
