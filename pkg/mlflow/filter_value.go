package mlflow

import (
	"slices"
	"strconv"
	"strings"
)

// number reads the number behind an operator.
func (p *filterParser) number(f field) (float64, error) {
	n := 0
	for n < len(p.rest) && strings.IndexByte("+-.0123456789eE", p.rest[n]) >= 0 {
		n++
	}
	v, err := strconv.ParseFloat(p.rest[:n], 64)
	if err != nil {
		return 0, Reason(ErrInvalid, "%s is compared with a number, not with %q", f, cutText(p.rest))
	}
	p.rest = p.rest[n:]
	return v, nil
}

// quoted reads the text behind an operator.
func (p *filterParser) quoted(f field) (string, error) {
	for _, quote := range []string{"'", `"`} {
		if strings.HasPrefix(p.rest, quote) {
			return p.until(quote)
		}
	}
	return "", Reason(ErrInvalid, "%s is compared with text in quotes, not with %q", f, cutText(p.rest))
}

// list reads the texts of an IN, which MLflow reads as literals of Python.
func (p *filterParser) list() ([]string, error) {
	wrong := func() ([]string, error) {
		return nil, Reason(ErrInvalid, "IN wants a list such as ('a','b'), not %q", cutText(p.rest))
	}
	rest, ok := strings.CutPrefix(p.rest, "(")
	if !ok {
		return wrong()
	}
	var out []string
	for {
		rest = strings.TrimLeft(rest, " ")
		text, n, ok := pythonText(rest)
		if !ok {
			return wrong()
		}
		out = append(out, text)
		rest = strings.TrimLeft(rest[n:], " ")
		if after, closed := strings.CutPrefix(rest, ")"); closed {
			p.rest = after
			return out, nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return wrong()
		}
	}
}

// pythonText reads a literal of Python's, with the escapes that names need.
func pythonText(s string) (text string, n int, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", 0, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s):
			i++
			at := strings.IndexByte(`\'"nt`, s[i])
			if at < 0 {
				return "", 0, false
			}
			b.WriteByte("\\'\"\n\t"[at])
		case s[i] == '\n':
			return "", 0, false
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, false
}

// attributesOf are the attributes that a search knows: where they are in an
// object (below `info` where that is there), and whether they are numbers.
func (k FilterKind) attributesOf() map[string]attribute {
	switch k {
	case ModelFilter:
		return map[string]attribute{"name": {at: "name"}}
	case VersionFilter:
		return map[string]attribute{"name": {at: "name"}, "run_id": {at: "run_id"}, "source_path": {at: "source"}, "version_number": {at: "version", number: true}}
	case ExperimentFilter:
		return map[string]attribute{
			"name": {at: "name"}, "experiment_id": {at: "experiment_id"},
			"creation_time": {at: "creation_time", number: true}, "last_update_time": {at: "last_update_time", number: true},
		}
	case RunFilter:
		return map[string]attribute{
			"run_id": {at: "run_id"}, "run_name": {at: "run_name"}, "status": {at: "status"}, "user_id": {at: "user_id"}, "artifact_uri": {at: "artifact_uri"},
			"start_time": {at: "start_time", number: true}, "end_time": {at: "end_time", number: true}, "created": {at: "start_time", number: true},
		}
	}
	return map[string]attribute{
		"name": {at: "name"}, "model_id": {at: "model_id"}, "model_type": {at: "model_type"}, "source_run_id": {at: "source_run_id"},
		"creation_timestamp":     {at: "creation_timestamp_ms", number: true},
		"creation_time":          {at: "creation_timestamp_ms", number: true},
		"last_updated_timestamp": {at: "last_updated_timestamp_ms", number: true},
	}
}

// An attribute is a member that can be compared.
type attribute struct {
	at     string
	number bool
}

// check tells whether a search knows a field, whether it holds numbers, and
// whether it can be compared so.
func (k FilterKind) check(f field, op string) (numeric bool, err error) {
	switch f.in {
	case attributeField:
		a, ok := k.attributesOf()[f.key]
		if !ok {
			return false, Reason(ErrInvalid, "the attribute %q is not understood", cutText(f.key))
		}
		numeric = a.number
	case metricField, paramField:
		if k != RunFilter && k != LoggedModelFilter {
			return false, Reason(ErrInvalid, "%s is about runs and logged models only", f)
		}
		numeric = f.in == metricField
	}
	textual := slices.Contains([]string{"LIKE", "ILIKE", "IN", "NOT IN"}, op)
	ordered := slices.Contains([]string{"<", "<=", ">", ">="}, op)
	listed := op == "IN" || op == "NOT IN"
	if numeric && textual || !numeric && ordered || listed && f.in != attributeField {
		return false, Reason(ErrInvalid, "%s cannot be compared with %s", f, op)
	}
	return numeric, nil
}
