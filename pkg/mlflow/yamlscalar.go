package mlflow

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The forms of PyYAML's implicit resolver (yaml/resolver.py).
var (
	yamlBool   = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	yamlNull   = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
	yamlInt    = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	yamlFloat  = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)$`)
	jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$`)
)

// maxWritten is how long an integer may be that has to be written out; Python
// refuses longer ones too.
const maxWritten = 4300

// yamlScalar reads a scalar by its tag or, without one, by its form.
func yamlScalar(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style != 0 { // quoted, literal or folded
			return n.Value, nil
		}
		return plainScalar(n.Value), nil
	}
	var v any
	ok := true
	switch n.Tag {
	case "!!str", "!!binary", "!!timestamp":
		v = n.Value
	case "!!null":
	case "!!bool":
		v, ok = boolOf(n.Value)
	case "!!int":
		v, ok = intOf(n.Value)
	case "!!float":
		v, ok = floatOf(n.Value)
	default:
		ok = false
	}
	if !ok {
		return nil, notYAML(n, "a scalar that is no "+n.Tag)
	}
	return v, nil
}

// plainScalar resolves text without quotes and tag. Its first byte decides,
// as in PyYAML, which forms it can have at all: most text has none.
func plainScalar(s string) any {
	if s == "" {
		return nil
	}
	begins := func(with string) bool { return strings.IndexByte(with, s[0]) >= 0 }
	switch {
	case begins("~nN") && yamlNull.MatchString(s):
		return nil
	case begins("yYnNtTfFoO") && yamlBool.MatchString(s):
		v, _ := boolOf(s)
		return v
	case !mayBeNumber(s):
	case isWhole(s):
		return Number(s)
	case begins("+-.0123456789") && yamlFloat.MatchString(s):
		if v, ok := floatOf(s); ok {
			return v
		}
	case begins("+-0123456789") && yamlInt.MatchString(s):
		if v, ok := intOf(s); ok {
			return v
		}
	}
	return s
}

// mayBeNumber tells whether what stands behind the digits that text begins
// with leaves it a number. Ids and versions, which most such text is, are told
// apart here from what takes a closer look.
func mayBeNumber(s string) bool {
	rest := strings.TrimLeft(strings.TrimLeft(s, "+-"), "0123456789")
	return rest == "" || strings.IndexByte("._:xb", rest[0]) >= 0
}

// isWhole tells whether text is a whole number as JSON writes one, without sign.
func isWhole(s string) bool {
	return strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}

func boolOf(s string) (any, bool) {
	switch strings.ToLower(s) {
	case "yes", "true", "on":
		return true, true
	case "no", "false", "off":
		return false, true
	}
	return nil, false
}

// intOf reads an integer in one of YAML 1.1's forms; false when it has no
// digits or too many.
func intOf(s string) (any, bool) {
	if jsonNumber.MatchString(s) && !strings.ContainsAny(s, ".eE") {
		return Number(s), true
	}
	if len(s) > maxWritten {
		return nil, false
	}
	s = strings.ReplaceAll(s, "_", "")
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return nil, false
	}
	i, ok := magnitude(digits)
	if !ok {
		return nil, false
	}
	if s[0] == '-' {
		i.Neg(i)
	}
	return Number(i.String()), true
}

func magnitude(digits string) (*big.Int, bool) {
	i := new(big.Int)
	base := 10
	switch {
	case strings.ContainsAny(digits, "+-"):
		return nil, false // big.Int would take a sign
	case strings.HasPrefix(digits, "0b"):
		digits, base = digits[2:], 2
	case strings.HasPrefix(digits, "0x"):
		digits, base = digits[2:], 16
	case digits != "0" && strings.HasPrefix(digits, "0"):
		base = 8
	case strings.Contains(digits, ":"):
		return sexagesimal(digits)
	}
	return i.SetString(digits, base)
}

func sexagesimal(digits string) (*big.Int, bool) {
	sum, sixty := new(big.Int), big.NewInt(60)
	for part := range strings.SplitSeq(digits, ":") {
		d, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil, false
		}
		sum.Add(sum.Mul(sum, sixty), d)
	}
	return sum, true
}

// floatOf reads a float in one of YAML 1.1's forms; one that is not finite
// stays text.
func floatOf(s string) (any, bool) {
	if jsonNumber.MatchString(s) && strings.Contains(s, ".") {
		return Number(s), true
	}
	f, ok := floatValue(s)
	if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
		return s, ok
	}
	return pythonFloat(f), true
}

func floatValue(s string) (float64, bool) {
	s = strings.ReplaceAll(s, "_", "")
	digits := strings.TrimLeft(s, "+-")
	if strings.EqualFold(digits, ".inf") || strings.EqualFold(digits, ".nan") {
		return math.NaN(), true
	}
	if len(s)-len(digits) > 1 || strings.ContainsAny(digits, "xXpPnN") { // Go's own forms
		return 0, false
	}
	sum, base := 0.0, 1.0
	parts := strings.Split(digits, ":")
	for i := len(parts) - 1; i >= 0; i-- { // in Python's order, for equal rounding
		f, err := strconv.ParseFloat(parts[i], 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, false
		}
		sum += f * base
		base *= 60
	}
	if strings.HasPrefix(s, "-") {
		sum = -sum
	}
	return sum, true
}

// yamlKey is a key as Python's json.dumps writes it. Only scalars can be keys.
func yamlKey(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", notYAML(n, "a key that is a collection")
	}
	v, err := yamlScalar(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case Number:
		return numberKey(v), nil
	}
	return v.(string), nil
}

// numberKey is `1` for a key `1`, `1.5` for `1.50`.
func numberKey(v Number) string {
	if !strings.Contains(string(v), ".") {
		if v == "-0" {
			return "0"
		}
		return string(v)
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil { // beyond the range of floats
		return string(v)
	}
	return string(pythonFloat(f))
}
