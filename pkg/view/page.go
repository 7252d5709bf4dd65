package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A page is Markdown under way: GitHub's, with a table of contents. Whatever
// comes from the data is escaped by the methods that take it.
type page struct {
	title    string
	contents strings.Builder
	body     strings.Builder
	slugs    map[string]int // how often a heading has been used
}

// String is the whole page.
func (p *page) String() string {
	return "# " + p.title + "\n\n## Contents\n\n" + p.contents.String() + p.body.String()
}

// section begins a section of the table of contents; part one below it, and
// detail one that the table leaves out. Their names are ours.
func (p *page) section(name string) { p.heading(2, name) }
func (p *page) part(name string)    { p.heading(3, name) }
func (p *page) detail(name string)  { fmt.Fprintf(&p.body, "\n#### %s\n", name) }

func (p *page) heading(level int, name string) {
	slug := strings.ReplaceAll(strings.ToLower(name), " ", "-")
	n := p.slugs[slug]
	p.slugs[slug]++
	if n > 0 { // as GitHub tells headings of one name apart
		slug = fmt.Sprintf("%s-%d", slug, n)
	}
	fmt.Fprintf(&p.contents, "%s- [%s](#%s)\n", strings.Repeat("  ", level-2), name, slug)
	fmt.Fprintf(&p.body, "\n%s %s\n", strings.Repeat("#", level), name)
}

// none says that there is nothing.
func (p *page) none() { p.body.WriteString("\n_None found_\n") }

// A pair is one line of a table.
type pair struct {
	name  string
	value any // as objects hold them
}

// pairs writes a table of names and values.
func (p *page) pairs(name string, list []pair) {
	rows := make([][]any, len(list))
	for i, x := range list {
		value := x.value
		if text, ok := value.(string); ok && strings.HasSuffix(x.name, "_link") && isPlainLink(text) {
			value = link(text)
		}
		rows[i] = []any{x.name, value}
	}
	p.table([]string{name, "Value"}, rows)
}

// table writes a table; cells are values as objects hold them.
func (p *page) table(columns []string, rows [][]any) {
	if len(rows) == 0 {
		p.none()
		return
	}
	fmt.Fprintf(&p.body, "\n| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" :--- |", len(columns)))
	for _, r := range rows {
		p.body.WriteString("|")
		for _, v := range r {
			fmt.Fprintf(&p.body, " %s |", cell(v))
		}
		p.body.WriteString("\n")
	}
}

// link is a cell that is written as a link.
type link string

// isPlainLink tells an address of the web without a character that means
// something to Markdown or HTML.
func isPlainLink(s string) bool {
	return (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~:/?#@!&+,;=%", r)
	})
}

// cell is a value for a cell of a table, escaped: text with its line breaks,
// all else as JSON.
func cell(v any) string {
	switch v := v.(type) {
	case link:
		return "<" + string(v) + ">"
	case string:
		lines := strings.Split(strings.ReplaceAll(strings.TrimRight(v, "\r\n"), "\r\n", "\n"), "\n")
		for i := range lines {
			lines[i] = escape(lines[i])
		}
		return strings.Join(lines, "<br>")
	}
	return escape(string(mlflow.JSON{}.Append(nil, v)))
}

// members are those of an object but for some, in order.
func members(o *mlflow.Object, but ...string) []pair {
	var out []pair
	for key, v := range o.All() {
		if !slices.Contains(but, key) {
			out = append(out, pair{key, v})
		}
	}
	return out
}

// rowsOf are rows of a table: some members of each object of a list.
func rowsOf(list []*mlflow.Object, keys ...string) [][]any {
	var rows [][]any
	for _, o := range list {
		row := make([]any, len(keys))
		for i, key := range keys {
			v, ok := o.Get(key)
			if !ok {
				v = ""
			}
			row[i] = v
		}
		rows = append(rows, row)
	}
	return rows
}
