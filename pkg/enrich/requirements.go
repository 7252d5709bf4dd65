package enrich

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// requirementLines are the lines of a requirements.txt as pip reads them:
// continued lines joined, without comments and empty lines.
func requirementLines(data []byte) []string {
	text := strings.TrimPrefix(strings.ToValidUTF8(string(data), "\ufffd"), "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var lines []string
	joined := ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			line = "" // a comment is never continued
		} else if rest, more := strings.CutSuffix(line, "\\"); more {
			joined += rest
			continue
		}
		lines = appendLine(lines, joined+line)
		joined = ""
	}
	return appendLine(lines, joined)
}

// appendLine adds a line without its comment, unless nothing is left.
func appendLine(lines []string, line string) []string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	if line = strings.TrimSpace(line); line != "" {
		lines = append(lines, line)
	}
	return lines
}

func requirements(lines []string) []any {
	list := make([]any, len(lines))
	for i, line := range lines {
		list[i] = requirement(line)
	}
	return list
}

// requirement takes a line apart, as far as it names a package (PEP 508):
// `name[extras] specifier; marker`, `name @ url`. Of all others, such as
// options and paths, it is the text only.
func requirement(line string) *mlflow.Object {
	out := &mlflow.Object{}
	what, _, _ := strings.Cut(line, " --") // options of pip, such as hashes
	name, rest := cutName(what)
	var extras string
	if inside, more, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); ok && strings.HasPrefix(rest, "[") {
		extras, rest = inside, strings.TrimSpace(more)
	}
	url, isURL := strings.CutPrefix(rest, "@")
	marker := ""
	if isURL {
		url, marker, _ = strings.Cut(url, " ;")
		rest = ""
	} else {
		url = ""
		rest, marker, _ = strings.Cut(rest, ";")
	}
	specifier := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(rest), "("), ")")
	if name != "" && isSpecifier(specifier) {
		out.Append("name", name)
		appendText(out, "extras", strings.TrimSpace(extras))
		appendText(out, "specifier", strings.TrimSpace(specifier))
		appendText(out, "url", shownLine(strings.TrimSpace(url)))
		appendText(out, "marker", strings.TrimSpace(marker))
	}
	out.Append("text", shownLine(line))
	return out
}

func appendText(o *mlflow.Object, key, text string) {
	if text != "" {
		o.Append(key, text)
	}
}

// cutName cuts the name of a package off: letters, digits and `._-`, the first
// and the last of which is a letter or digit.
func cutName(line string) (name, rest string) {
	end := 0
	for end < len(line) && (isAlphanumeric(line[end]) || strings.IndexByte("._-", line[end]) >= 0) {
		end++
	}
	if end == 0 || !isAlphanumeric(line[0]) || !isAlphanumeric(line[end-1]) {
		return "", line
	}
	return line[:end], strings.TrimSpace(line[end:])
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// isSpecifier tells whether a text is empty, or comparisons with versions
// between commas.
func isSpecifier(text string) bool {
	if strings.TrimSpace(text) == "" {
		return true
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		version := strings.TrimSpace(strings.TrimLeft(part, "=<>!~"))
		switch part[:len(part)-len(strings.TrimLeft(part, "=<>!~"))] {
		case "===", "==", "~=", "!=", "<=", ">=", "<", ">":
		default:
			return false
		}
		if version == "" || strings.ContainsAny(version, " \t/") {
			return false
		}
	}
	return true
}

// shownLine is a line without user and password of the addresses in it.
func shownLine(line string) string {
	var out strings.Builder
	for {
		head, rest, found := strings.Cut(line, "://")
		out.WriteString(head)
		if !found {
			return out.String()
		}
		out.WriteString("://")
		end := strings.IndexAny(rest, "/ \t?#")
		if end < 0 {
			end = len(rest)
		}
		line = rest[strings.LastIndexByte(rest[:end], '@')+1:]
	}
}
