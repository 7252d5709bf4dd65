package mlflowtest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A condition is one comparison of a filter.
type condition struct {
	field, op string
	values    []string // one, or the items of a list
	number    bool     // the value stood there without quotes
}

// parseFilter reads MLflow's filters: comparisons joined by AND.
func parseFilter(s string) ([]condition, error) {
	var out []condition
	for strings.TrimSpace(s) != "" {
		c, rest, err := parseCondition(strings.TrimSpace(s))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		s = strings.TrimSpace(rest)
		if s == "" {
			break
		}
		after, ok := strings.CutPrefix(s, "AND ")
		if !ok {
			return nil, fmt.Errorf("Invalid clause(s) in filter string: %s", s)
		}
		s = after
	}
	return out, nil
}

func parseCondition(s string) (c condition, rest string, err error) {
	head := regexp.MustCompile(`^([A-Za-z_.]+)\s*(!=|>=|<=|=|<|>|LIKE\b|ILIKE\b|NOT IN\b|IN\b)\s*`).FindStringSubmatch(s)
	if head == nil {
		return c, "", fmt.Errorf("Invalid clause(s) in filter string: %s", s)
	}
	c.field, c.op = strings.TrimPrefix(head[1], "attributes."), head[2]
	s = s[len(head[0]):]
	if strings.HasSuffix(c.op, "IN") {
		c.values, rest, err = parseList(s)
		return c, rest, err
	}
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 {
			return c, "", fmt.Errorf("Error on parsing filter '%s'", s)
		}
		c.values = []string{s[1 : end+1]} // nothing is unescaped
		return c, s[end+2:], nil
	}
	number := regexp.MustCompile(`^-?[0-9]+`).FindString(s)
	if number == "" {
		return c, "", fmt.Errorf("Error on parsing filter '%s'", s)
	}
	c.values, c.number = []string{number}, true
	return c, s[len(number):], nil
}

// parseList reads a list of Python's string literals.
func parseList(s string) (items []string, rest string, err error) {
	bad := fmt.Errorf("Error on parsing filter '%s'", s)
	s, ok := strings.CutPrefix(s, "(")
	for ok {
		end := endOfText(s)
		if end < 0 {
			return nil, "", bad
		}
		item, err := strconv.Unquote(`"` + strings.NewReplacer(`"`, `\"`, `\'`, `'`).Replace(s[1:end]) + `"`)
		if err != nil {
			return nil, "", bad
		}
		items = append(items, item)
		s = s[end+1:]
		if rest, done := strings.CutPrefix(s, ")"); done {
			return items, rest, nil
		}
		s, ok = strings.CutPrefix(s, ",")
	}
	return nil, "", bad
}

// endOfText is the place of the quote that ends a literal, or -1. The SQL
// parser that MLflow asks first takes a backslash with a quote for a quote,
// even when the backslash is the second of two.
func endOfText(s string) int {
	if s == "" || s[0] != '\'' {
		return -1
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\n':
			return -1
		case s[i] == '\'' && s[i-1] != '\\':
			return i
		}
	}
	return -1
}

// holds tells whether a text fits the comparison.
func (c condition) holds(text string) bool {
	if c.number {
		a, err := strconv.Atoi(text)
		b, _ := strconv.Atoi(c.values[0])
		return err == nil && map[string]bool{"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[c.op]
	}
	switch c.op {
	case "=":
		return text == c.values[0]
	case "!=":
		return text != c.values[0]
	case "LIKE", "ILIKE":
		pattern := regexp.QuoteMeta(c.values[0])
		pattern = "(?s)^" + strings.NewReplacer("%", ".*", "_", ".").Replace(pattern) + "$"
		if c.op == "ILIKE" {
			pattern = "(?i)" + pattern
		}
		return regexp.MustCompile(pattern).MatchString(text)
	}
	in := false
	for _, v := range c.values {
		in = in || v == text
	}
	return in == (c.op == "IN")
}

// A rule says which comparisons of a field are known.
type rule struct {
	text, list, number bool
	passed             bool // a list that is not known is passed over instead of refused
}

// filterFor makes a test of rows from a filter. What is not known is refused
// (an error) or passed over, as the server's version does.
func (f *Fake) filterFor(filter string, rules map[string]rule, value func(row any, field string) string) (func(row any) bool, error) {
	conditions, err := parseFilter(filter)
	if err != nil {
		return nil, err
	}
	var used []condition
	for _, c := range conditions {
		r, ok := rules[c.field]
		list := strings.HasSuffix(c.op, "IN")
		switch {
		case ok && (c.number && r.number || list && r.list || !c.number && !list && r.text):
			used = append(used, c)
		case list && r.passed:
		case c.number:
			return nil, fmt.Errorf("Expected a quoted string value or a list of quoted string values for attributes. Got value %s", c.values[0])
		case !ok:
			return nil, fmt.Errorf("Invalid attribute key '%s' specified.", c.field)
		default:
			return nil, fmt.Errorf("Only the 'run_id' attribute supports comparison with a list of quoted string values.")
		}
	}
	return func(row any) bool {
		for _, c := range used {
			if !c.holds(value(row, c.field)) {
				return false
			}
		}
		return true
	}, nil
}
