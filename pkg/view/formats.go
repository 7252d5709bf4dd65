package view

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// CSV writes the table for a spreadsheet: UTF-8 with a byte order mark. A cell
// that a spreadsheet would take for a formula begins with an apostrophe;
// numbers stay.
func (t Table) CSV() []byte {
	out, lines := []byte(ByteOrderMark), Records{}
	for _, r := range append([][]string{t.Columns}, t.Rows...) {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = NoFormula(c)
		}
		out = append(out, lines.Line(cells)...)
	}
	return out
}

// ByteOrderMark stands before CSV, so that spreadsheets read it as UTF-8.
const ByteOrderMark = "\uFEFF"

// Records makes lines of CSV, one at a time. The zero value is ready.
type Records struct {
	line bytes.Buffer
	w    *csv.Writer
}

// Line is one line of CSV; the next one overwrites it.
func (r *Records) Line(cells []string) []byte {
	if r.w == nil {
		r.w = csv.NewWriter(&r.line)
	}
	r.line.Reset()
	_ = r.w.Write(cells) // into memory
	r.w.Flush()
	return r.line.Bytes()
}

// NoFormula is a cell that no spreadsheet takes for a formula: an apostrophe
// stands before it where one would. Numbers stay.
func NoFormula(s string) string {
	_, err := strconv.ParseFloat(s, 64)
	if err == nil && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) }) {
		return s
	}
	return TextCell(s)
}

// isPlain tells whether a cell is a word or several of ASCII, as nearly all are,
// with nothing to be replaced and nothing that could begin a formula.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == "" || s[0] >= '0' && s[0] <= '9' || s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z'
}

// TextCell is NoFormula for what is text, also when it looks like a number.
// Control characters other than line breaks and tabs become replacements.
func TextCell(s string) string {
	if isPlain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \n\u00a0"))
	if strings.ContainsRune("=+-@\t\r＝＋－＠", first) {
		return "'" + s
	}
	return s
}

// Markdown writes the table as GitHub's Markdown, with all markup escaped.
func (t Table) Markdown() string {
	var b strings.Builder
	row := func(cells []string) {
		b.WriteString("|")
		for _, c := range cells {
			b.WriteString(" " + escape(c) + " |")
		}
		b.WriteString("\n")
	}
	row(t.Columns)
	b.WriteString("|" + strings.Repeat(" --- |", len(t.Columns)) + "\n")
	for _, r := range t.Rows {
		row(r)
	}
	return b.String()
}

// escape makes text of what Markdown or HTML would take for markup.
func escape(s string) string {
	var b strings.Builder
	for _, r := range Line(s) {
		switch {
		case r == '&':
			b.WriteString("&amp;")
			continue
		case r == '<':
			b.WriteString("&lt;")
			continue
		case strings.ContainsRune("\\`*_{}[]()#+!|>~$", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return strings.NewReplacer("://", ":&#47;/", "@", "&#64;", "www.", "www&#46;").Replace(b.String())
}

// JSON is the table as a list of objects: the keys are the headings in lower
// case, with _ between words.
func (t Table) JSON() []any {
	list := make([]any, 0, len(t.Rows))
	for _, r := range t.Rows {
		o := &mlflow.Object{}
		for i, c := range t.Columns {
			o.Append(strings.ReplaceAll(strings.ToLower(c), " ", "_"), r[i])
		}
		list = append(list, o)
	}
	return list
}
