package view

import (
	"fmt"
	"strings"
)

// TextOptions say how a sheet becomes text.
type TextOptions struct {
	Columns int  // of the terminal; 0: lines as long as they come
	All     bool // all rows and all of each text; else long sections and lines are cut
}

// maxRows is how many rows of a section are shown unless all are asked for.
const maxRows = 16

// nameColumns is how wide the names of facts may be: a third of the line, but
// no less than this, and no more than of a line of 160.
const nameColumns = 28

func (o TextOptions) nameColumns() int {
	columns := 160
	if o.Columns > 0 {
		columns = min(columns, o.Columns)
	}
	return max(nameColumns, columns/3)
}

// Text is the sheet of one model for a terminal: a heading for each section,
// and its facts below.
func (s Sheet) Text(o TextOptions) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", Line(s.Models[0].heading()))
	name := 0
	for _, section := range s.Sections {
		for _, r := range section.Rows {
			name = min(max(name, Width(Line(r.Name))), o.nameColumns())
		}
	}
	for _, section := range s.Sections {
		fmt.Fprintf(&b, "\n%s\n", section.Title)
		rows := section.Rows
		if !o.All && len(rows) > maxRows {
			rows = rows[:maxRows-1]
		}
		for _, r := range rows {
			writeFact(&b, r, name, section.Title == gaps || section.Title == notes || isProse(r.Name), o)
		}
		if left := len(section.Rows) - len(rows); left > 0 {
			fmt.Fprintf(&b, "  … and %d more: --all-rows\n", left)
		}
	}
	return b.String()
}

func writeFact(b *strings.Builder, r Row, name int, prose bool, o TextOptions) {
	label, value := Line(r.Name), Line(r.Values[0].String())
	room := 0
	if o.Columns > 0 {
		room = max(o.Columns-name-2*len(gap), 2*minColumn)
	}
	if !o.All {
		label = Cut(label, name)
	}
	lines := []string{value}
	switch {
	case room == 0:
	case prose:
		lines = wrap(value, room)
	case r.Name != linkFact && !o.All: // half a link leads nowhere
		lines[0] = Cut(value, room)
	}
	if !o.All && len(lines) > maxLines {
		lines = append(lines[:maxLines-1], "…: --all-rows")
	}
	for _, line := range lines {
		fmt.Fprintf(b, "  %s%s  %s\n", label, strings.Repeat(" ", max(name-Width(label), 0)), line)
		label = ""
	}
}

// maxLines is how many lines of a description are shown unless all are asked for.
const maxLines = 6

// isProse tells the facts that are sentences.
func isProse(name string) bool {
	return name == "description" || name == "about the model"
}

// wrap breaks text at blanks into lines that are at most so wide; a word that
// is wider has a line of its own and is cut.
func wrap(s string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && Width(line)+1+Width(word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += Cut(word, columns)
	}
	return append(lines, line)
}

// SideBySide is the sheet of several models for a terminal: what differs
// first, then, when all rows are asked for, what does not.
func (s Sheet) SideBySide(o TextOptions) string {
	different, equal := s.Only(true), s.Only(false)
	var b strings.Builder
	if different.Rows() == 0 {
		b.WriteString("no differences\n")
	} else {
		b.WriteString(different.blocks(o))
	}
	switch n := equal.Rows(); {
	case n == 0:
	case o.All:
		b.WriteString("\nequal in all:\n\n" + equal.blocks(o))
	case n == 1:
		b.WriteString("\n1 fact is equal in all: --all-rows\n")
	default:
		fmt.Fprintf(&b, "\n%d facts are equal in all: --all-rows\n", n)
	}
	return b.String()
}

// maxCell is how wide a value may be beside others unless all is asked for.
const maxCell = 40

// blocks lays the sheet out with the sections as lines of their own. All rows
// go through one table, so that columns stand below each other.
func (s Sheet) blocks(o TextOptions) string {
	t := Table{Columns: []string{""}}
	for _, m := range s.Models {
		t.Columns = append(t.Columns, m.heading())
	}
	for _, section := range s.Sections {
		t.Rows = append(t.Rows, append([]string{section.Title}, make([]string, len(s.Models))...))
		for _, r := range section.Rows {
			cells := []string{"  " + r.Name}
			for _, v := range r.Values {
				cell := Line(v.String())
				if !o.All {
					cell = Cut(cell, maxCell)
				}
				cells = append(cells, cell)
			}
			t.Rows = append(t.Rows, cells)
		}
	}
	columns := o.Columns
	if o.All {
		columns = 0
	}
	return t.Text(columns)
}

// Markdown is the sheet as a table for each section.
func (s Sheet) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", escape(s.title()))
	for _, section := range s.Sections {
		t := Table{Columns: []string{""}}
		for _, m := range s.Models {
			t.Columns = append(t.Columns, m.heading())
		}
		if len(s.Models) == 1 {
			t.Columns[1] = ""
		}
		for _, r := range section.Rows {
			cells := []string{r.Name}
			for _, v := range r.Values {
				cells = append(cells, v.String())
			}
			t.Rows = append(t.Rows, cells)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s", section.Title, t.Markdown())
	}
	return b.String()
}

func (s Sheet) title() string {
	if len(s.Models) == 1 {
		return s.Models[0].heading()
	}
	uri := s.Models[0].URI
	return uri[:strings.LastIndexByte(uri, '/')+1] + "*"
}
