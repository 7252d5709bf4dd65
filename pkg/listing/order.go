package listing

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// An Order sorts rows by a column.
type Order struct {
	Column     Column
	Descending bool
}

// ParseOrder reads `column`, `column ASC` or `column DESC`.
func ParseOrder(k Kind, text string) (Order, error) {
	name, direction, _ := strings.Cut(strings.TrimSpace(text), " ")
	o := Order{Descending: strings.EqualFold(strings.TrimSpace(direction), "DESC")}
	var ok bool
	if o.Column, ok = Find(k, name); !ok {
		return o, unknownColumn(k, name)
	}
	if !o.Descending && direction != "" && !strings.EqualFold(strings.TrimSpace(direction), "ASC") {
		return o, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrInvalid, "%q is no direction", direction), Hint: "write " + name + " ASC or " + name + " DESC"}
	}
	return o, nil
}

// Pick passes on the rows that have nothing in some columns, in an order, at
// most so many; 0: all. Without an order they come as they are.
func Pick(rows iter.Seq2[*mlflow.Object, error], without []Column, by []Order, most int) iter.Seq2[*mlflow.Object, error] {
	return func(yield func(*mlflow.Object, error) bool) {
		var held []*mlflow.Object
		n := 0
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if slices.ContainsFunc(without, func(c Column) bool { return c.Value(row) != nil }) {
				continue
			}
			if len(by) > 0 {
				held = append(held, row)
				continue
			}
			if n++; !yield(row, nil) || n == most {
				return
			}
		}
		sortRows(held, by)
		for i, row := range held {
			if most > 0 && i == most || !yield(row, nil) {
				return
			}
		}
	}
}

// sortRows sorts numbers as numbers, all else byte by byte; rows that have
// nothing in a column come last, whatever the direction.
func sortRows(rows []*mlflow.Object, by []Order) {
	slices.SortStableFunc(rows, func(a, b *mlflow.Object) int {
		for _, o := range by {
			x, y := o.Column.Value(a), o.Column.Value(b)
			if x == nil || y == nil {
				if (x == nil) != (y == nil) {
					return cmp.Compare(order(x == nil), order(y == nil))
				}
				continue
			}
			n := compare(mlflow.TextOf(x), mlflow.TextOf(y))
			if o.Descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
}

func order(missing bool) int {
	if missing {
		return 1
	}
	return 0
}

func compare(a, b string) int {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err == nil && err2 == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}
