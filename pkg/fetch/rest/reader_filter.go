package rest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxLine   = 3900 // bytes of a GET's request line: MLflow 2 refuses more than 4094
	lineRoom  = 300  // of them for the path's end, the other parameters and the filter's other words
	maxIDs    = 1000 // in a filter that is sent by POST; the server's parser ends at 3332
	maxIDText = 1024 // bytes of a key that may stand in a filter
)

// quotable tells whether a text can stand in a list of `IN`.
func quotable(s string) bool {
	return s != "" && len(s) <= maxIDText && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// quoted writes a text for a list of `IN`, which MLflow reads as a Python
// literal. What means something to Python, or to the SQL parser that cuts the
// filter into words first, is written as \xNN: a backslash before the last
// quote would lead that parser astray.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == '\\' || r == '\'' || r == '"' {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// inList is `field IN ('a','b')`. Without blanks the server's parser takes
// half as many more.
func inList(field string, keys []string) string {
	q := make([]string, len(keys))
	for i, k := range keys {
		q[i] = quoted(k)
	}
	return field + " IN (" + strings.Join(q, ",") + ")"
}

// equals is `field = 'x'`. MLflow takes off the outer quotes and unescapes
// nothing, so a text with both kinds of quotes cannot be asked for.
func equals(field, text string) (string, bool) {
	switch {
	case !quotable(text):
		return "", false
	case !strings.Contains(text, "'"):
		return field + " = '" + text + "'", true
	case !strings.Contains(text, `"`):
		return field + ` = "` + text + `"`, true
	}
	return "", false
}

// like is `field LIKE 'x'` for a text that equals cannot write: `_` stands for
// one kind of quotes, so that the answer may hold a little more.
func like(field, text string) (string, bool) {
	if !quotable(text) {
		return "", false
	}
	return field + " LIKE '" + strings.ReplaceAll(text, "'", "_") + "'", true
}

// lineCost is how many bytes a key takes in a GET's request line.
func lineCost(key string) int { return len(url.QueryEscape(quoted(key) + ",")) }

// byLine cuts keys into chunks whose filters fit into a GET's request line, and
// leaves out what cannot stand in a list.
func byLine(keys []string, room int) (chunks [][]string, left []string) {
	var chunk []string
	used := 0
	for _, k := range keys {
		cost := lineCost(k)
		if !quotable(k) || cost > room {
			left = append(left, k)
			continue
		}
		if used+cost > room {
			chunks = append(chunks, chunk)
			chunk, used = nil, 0
		}
		chunk = append(chunk, k)
		used += cost
	}
	if len(chunk) > 0 {
		chunks = append(chunks, chunk)
	}
	return chunks, left
}

// byCount cuts keys into chunks for a POST.
func byCount(keys []string, ok func(string) bool) (chunks [][]string, left []string) {
	var fit []string
	for _, k := range keys {
		if quotable(k) && ok(k) {
			fit = append(fit, k)
		} else {
			left = append(left, k)
		}
	}
	for len(fit) > 0 {
		n := min(maxIDs, len(fit))
		chunks = append(chunks, fit[:n:n])
		fit = fit[n:]
	}
	return chunks, left
}

// isNumber tells whether an experiment id is one that MLflow makes: a number
// of 63 bits. On others some servers fail (500), and so take long to refuse.
func isNumber(id string) bool {
	_, err := strconv.ParseUint(id, 10, 63)
	return err == nil
}

// isExperiment tells whether the server may have an experiment of this id.
func (r *Reader) isExperiment(id string) bool {
	return isNumber(id) || r.Databricks && id != "" && len(id) <= 64 && strings.Trim(id, "0123456789abcdef") == ""
}

func anyKey(string) bool { return true }
