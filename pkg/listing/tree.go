package listing

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

// A node is a file or a folder of a drawn tree.
type node struct {
	name  string
	bytes int64
	dir   bool
	below []*node
}

// Draw draws files and folders as a tree, each with its size; a folder has the
// sum of what is listed below it.
func Draw(root string, files []mlflow.FileInfo) string {
	top := &node{name: root, dir: true}
	count := 0
	for _, f := range files {
		at := top
		for part := range strings.SplitSeq(f.Path, "/") {
			at = at.child(part)
		}
		if at.dir = f.Dir; !f.Dir {
			at.bytes = f.Bytes
			count++
		}
	}
	top.sum()
	t := view.Table{Columns: []string{view.Line(root), top.sizeText()}}
	top.draw("", &t)
	files1 := " files"
	if count == 1 {
		files1 = " file"
	}
	t.Columns[1] += " in " + strconv.Itoa(count) + files1
	return t.Text(0)
}

func (n *node) child(name string) *node {
	n.dir = true
	if i := slices.IndexFunc(n.below, func(c *node) bool { return c.name == name }); i >= 0 {
		return n.below[i]
	}
	c := &node{name: name}
	n.below = append(n.below, c)
	return c
}

// sum adds up what lies below folders, and puts it in order.
func (n *node) sum() int64 {
	if len(n.below) > 0 {
		n.dir, n.bytes = true, 0
	}
	for _, c := range n.below {
		n.bytes += c.sum()
	}
	slices.SortFunc(n.below, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	return n.bytes
}

func (n *node) sizeText() string { return view.Bytes(strconv.FormatInt(n.bytes, 10)) }

func (n *node) draw(before string, t *view.Table) {
	for i, c := range n.below {
		branch, under := "├── ", "│   "
		if i == len(n.below)-1 {
			branch, under = "└── ", "    "
		}
		name := c.name
		if c.dir {
			name += "/"
		}
		t.Rows = append(t.Rows, []string{before + branch + name, c.sizeText()})
		c.draw(before+under, t)
	}
}
