package enrich

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// explodeAll is the seed tool's explosion: every text that is the value of a
// member and that Python's JSON parser accepts becomes what it says, be it an
// id or a version number. Other than there, what would not be JSON again (NaN,
// Infinity) stays text, as does what the seed tool could not take.
func explodeAll(o *mlflow.Object) *mlflow.Object {
	out, _ := seedWalk(o, explodeDepth).(*mlflow.Object)
	return out
}

func seedWalk(v any, left int) any {
	switch v := v.(type) {
	case *mlflow.Object:
		return seedObject(v, left)
	case []any: // text in lists stays
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = seedWalk(item, left-1)
		}
		return out
	case mlflow.Number:
		if n, ok := pythonNumber(v); ok {
			return n
		}
	}
	return v
}

func seedObject(o *mlflow.Object, left int) *mlflow.Object {
	spark := o.Len() == 2 && o.Text("key") == sparkSources
	members := make([]mlflow.Member, 0, o.Len()+8)
	for k, v := range o.All() {
		s, isText := v.(string)
		switch {
		case isText && (k == sparkSources || spark && k == "value"):
			v = explodeSpark(s)
		case isText:
			v = seedText(s, left-1)
		default:
			v = seedWalk(v, left-1)
		}
		members = append(members, mlflow.Member{Key: k, Value: v})
	}
	return mlflow.NewObject(members...)
}

func seedText(s string, left int) any {
	v, ok := pythonJSON(s)
	if !ok || depth(v) > left || !finite(v) {
		return s
	}
	if text, ok := v.(string); ok {
		return text // without its quotes, and not parsed again
	}
	return seedWalk(v, left)
}

// pythonJSON reads text as Python's json.loads does, except for NaN, Infinity
// and halves of surrogate pairs, which cannot be written as JSON.
func pythonJSON(s string) (any, bool) {
	if start := strings.TrimLeft(s, " \t\r\n"); start == "" || !strings.Contains(`{["-0123456789tfn`, start[:1]) {
		return nil, false
	}
	if v, err := mlflow.DecodeStrict(s); err == nil {
		return v, true
	}
	if !jsontext.Value(s).IsValid(jsontext.AllowDuplicateNames(true)) {
		return nil, false
	}
	wrapped, err := mlflow.DecodeJSON([]byte(`{"":` + s + `}`)) // of repeated members the last wins
	if err != nil {
		return nil, false
	}
	v, _ := wrapped.Get("")
	return v, true
}

// finite tells whether Python reads all numbers in v, and none as infinite.
func finite(v any) bool {
	switch v := v.(type) {
	case *mlflow.Object:
		for _, m := range v.All() {
			if !finite(m) {
				return false
			}
		}
	case []any:
		for _, m := range v {
			if !finite(m) {
				return false
			}
		}
	case mlflow.Number:
		_, ok := pythonNumber(v)
		return ok
	}
	return true
}

// pythonNumber writes a number as Python would after reading it: whole numbers
// in full, others in the shortest form.
func pythonNumber(n mlflow.Number) (mlflow.Number, bool) {
	const maxDigits = 4300 // Python refuses to read longer ones
	if !strings.ContainsAny(string(n), ".eE") {
		if n == "-0" {
			return "0", true
		}
		return n, len(strings.TrimPrefix(string(n), "-")) <= maxDigits
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.IsInf(f, 0) {
		return "", false
	}
	out, ok := mlflow.Double(f).(mlflow.Number)
	return out, ok
}

const sparkSources = "sparkDatasourceInfo"

// explodeSpark reads the lines that Spark logs: `path=...,version=0,format=delta`.
// Text that is not so stays.
func explodeSpark(s string) any {
	sources := []any{}
	for line := range strings.SplitSeq(s, "\n") {
		source := mlflow.NewObject()
		for part := range strings.SplitSeq(line, ",") {
			k, v, ok := strings.Cut(part, "=")
			if !ok || strings.Contains(v, "=") {
				return s
			}
			source.Set(k, v)
		}
		sources = append(sources, source)
	}
	return sources
}
