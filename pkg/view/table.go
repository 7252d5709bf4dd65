package view

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A Table is rows of cells below a line of headings.
type Table struct {
	Columns []string
	Rows    [][]string // each as long as Columns
}

// gap stands between the columns of a text.
const gap = "  "

// Columns may become narrow to keep the first one whole, and at last so narrow
// that little of them is left.
const (
	narrowColumn = 12
	minColumn    = 8
)

// Text lays the table out in columns. Lines are at most columns wide, if that
// is possible without making a column too narrow; 0: as wide as they come.
func (t Table) Text(columns int) string {
	rows := make([][]string, 0, len(t.Rows)+1)
	for _, r := range append([][]string{t.Columns}, t.Rows...) {
		cells := make([]string, len(t.Columns))
		for i := range cells {
			if i < len(r) {
				cells[i] = Line(r[i])
			}
		}
		rows = append(rows, cells)
	}
	widths := fit(widthsOf(rows), columns)
	var b strings.Builder
	for _, r := range rows {
		line := ""
		for i, c := range r {
			c = Cut(c, widths[i])
			line += c + strings.Repeat(" ", widths[i]-Width(c)) + gap
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func widthsOf(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], Width(c))
		}
	}
	return widths
}

// fit takes from the widest column until the line fits: from the names in the
// first one only when the others are narrow.
func fit(widths []int, columns int) []int {
	if columns <= 0 {
		return widths
	}
	over := (len(widths)-1)*len(gap) - columns
	for _, w := range widths {
		over += w
	}
	over = shrink(widths[1:], over, narrowColumn)
	shrink(widths, over, minColumn)
	return widths
}

// shrink takes from the widest column, again and again, as long as it is wider
// than least, and returns what is still too much.
func shrink(widths []int, over, least int) int {
	for over > 0 && len(widths) > 0 {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			break
		}
		widths[widest]--
		over--
	}
	return over
}

// Line makes text fit for one line of a terminal: line breaks and tabs become
// blanks, other control characters, marks of direction and what else nobody
// sees a replacement.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || isInvisible(r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// isInvisible tells characters that terminals do not show but may act on, or
// that hide in a name: marks and overrides of direction, separators of lines,
// blanks without width, tags. Joiners stay: words and pictures need them.
func isInvisible(r rune) bool {
	return r == 0x061c || r == 0x180e || r == 0x200b || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f ||
		r == 0xfeff || r >= 0xfff9 && r <= 0xfffb || r >= 0xe0000 && r <= 0xe007f
}

// Width is how many columns of a terminal text takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1160 && r <= 0x11ff: // the latter are parts of Korean syllables
		return 0
	case r < 0x1100:
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cut shortens text to a number of columns, with an ellipsis in place of what
// is missing.
func Cut(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > columns-1 {
			return s[:i] + "…"
		}
	}
	return s
}
