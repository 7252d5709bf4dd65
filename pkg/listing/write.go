package listing

import (
	"bufio"
	"encoding/csv"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

// The formats of a listing.
const (
	Table = "table" // for people; rows are held until the last one is there
	CSV   = "csv"   // one line of headings, then a line per row
	JSON  = "json"  // one list of objects, a line per row
	JSONL = "jsonl" // an object per line
)

// widest is how many characters of a value a table shows.
const widest = 60

// Write writes rows in a format and counts them. All but a table is written
// row by row, as they come. width is that of the terminal; 0: none.
func Write(w io.Writer, format string, width int, columns []Column, rows iter.Seq2[*mlflow.Object, error]) (n int, err error) {
	b := bufio.NewWriter(w)
	defer func() {
		if e := b.Flush(); err == nil {
			err = e
		}
	}()
	switch format {
	case CSV:
		return writeCSV(b, columns, rows)
	case JSON, JSONL:
		return writeJSON(b, format == JSON, columns, rows)
	}
	return writeTable(b, width, columns, rows)
}

func writeTable(b *bufio.Writer, width int, columns []Column, rows iter.Seq2[*mlflow.Object, error]) (int, error) {
	t := view.Table{}
	for _, c := range columns {
		t.Columns = append(t.Columns, strings.ToUpper(c.Name))
	}
	for row, err := range rows {
		if err != nil {
			return len(t.Rows), err
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			if cells[i] = view.Cut(view.Line(c.forPeople(c.Value(row))), widest); cells[i] == "" {
				cells[i] = "-"
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	_, err := b.WriteString(t.Text(width))
	return len(t.Rows), err
}

func writeCSV(b *bufio.Writer, columns []Column, rows iter.Seq2[*mlflow.Object, error]) (n int, err error) {
	w := csv.NewWriter(b)
	defer w.Flush()
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.Name
	}
	if err := w.Write(cells); err != nil {
		return 0, err
	}
	for row, err := range rows {
		if err != nil {
			return n, err
		}
		for i, c := range columns {
			cells[i] = view.NoFormula(c.forCSV(c.Value(row)))
		}
		if err := w.Write(cells); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func writeJSON(b *bufio.Writer, asList bool, columns []Column, rows iter.Seq2[*mlflow.Object, error]) (n int, err error) {
	begin, between, end := "", "\n", "\n"
	if asList {
		begin, between, end = "[\n", ",\n", "\n]\n"
	}
	write := func(s string) {
		if err == nil {
			_, err = b.WriteString(s)
		}
	}
	for row, e := range rows {
		if e != nil || err != nil {
			return n, e
		}
		if n++; n == 1 {
			write(begin)
		} else {
			write(between)
		}
		o := mlflow.NewObject()
		for _, c := range columns {
			o.Set(c.Name, c.Value(row))
		}
		write(string(mlflow.JSON{}.Append(nil, o)))
	}
	switch {
	case n > 0:
		write(end)
	case asList:
		write("[]\n")
	}
	return n, err
}

// forPeople is a value in a cell of a table.
func (c Column) forPeople(v any) string {
	n, _ := strconv.ParseInt(mlflow.TextOf(v), 10, 64)
	switch {
	case v == nil:
		return ""
	case c.is == moment && n > 0:
		return time.UnixMilli(n).UTC().Format("2006-01-02 15:04")
	case c.is == size:
		return view.Bytes(mlflow.TextOf(v))
	case c.is == span:
		return mlflow.TextOf(v) + " s"
	}
	switch v := v.(type) {
	case []any:
		return join(v)
	case *mlflow.Object:
		var parts []string
		for k, v := range v.All() {
			parts = append(parts, k+"="+mlflow.TextOf(v))
		}
		return strings.Join(parts, ", ")
	}
	return mlflow.TextOf(v)
}

// forCSV is a value in a cell of a spreadsheet: times of UTC, sizes in bytes,
// objects as JSON.
func (c Column) forCSV(v any) string {
	n, _ := strconv.ParseInt(mlflow.TextOf(v), 10, 64)
	if c.is == moment && n > 0 {
		return time.UnixMilli(n).UTC().Format("2006-01-02 15:04:05")
	}
	if list, ok := v.([]any); ok {
		return join(list)
	}
	return mlflow.TextOf(v)
}

func join(list []any) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = mlflow.TextOf(v)
	}
	return strings.Join(parts, ", ")
}
