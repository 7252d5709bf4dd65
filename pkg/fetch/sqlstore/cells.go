package sqlstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A cell of a row is nil, string, int64, float64, bool or []byte: SQLite keeps
// what it was given, whatever the column's type is.

// text is a cell as text; ok is false for NULL.
func text(cell any) (s string, ok bool) {
	switch v := cell.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		n, _ := mlflow.Double(v).(mlflow.Number)
		return string(n), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// whole is a cell as a whole number; ok is false for NULL and for what is none.
func whole(cell any) (n int64, ok bool) {
	switch v := cell.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == float64(int64(v))
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// double is a cell as MLflow's server writes a floating-point value.
func double(cell any) (v any, ok bool) {
	f, ok := float(cell)
	return mlflow.Double(f), ok
}

// float is a cell as a floating-point value; ok is false for NULL and for what
// is none.
func float(cell any) (f float64, ok bool) {
	switch v := cell.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case float32:
		return float64(v), true
	case string: // a decimal number
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

// A rule says how a column becomes a member. NULL is always left out.
type rule int

const (
	asText   rule = iota // empty text stays
	ifText               // empty text is left out, too
	asNumber             // a whole number
	ifNumber             // zero is left out, too
	asDigits             // a whole number, shown as text
)

// A field is a column and the member that it becomes.
type field struct {
	column, member string
	rule           rule
}

func columnsOf(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.column
	}
	return out
}

// put appends the members that a row's first cells become.
func put(o *mlflow.Object, fields []field, row []any) {
	for i, f := range fields {
		switch f.rule {
		case asNumber, ifNumber:
			if n, ok := whole(row[i]); ok && (n != 0 || f.rule == asNumber) {
				o.Append(f.member, number(n))
			}
		default:
			if v := textCell(row[i]); v != nil && (v != "" || f.rule != ifText) {
				o.Append(f.member, v)
			}
		}
	}
}

// textCell is a cell as a value of an Object, nil for NULL. Text, which nearly
// all cells are, is not copied.
func textCell(cell any) any {
	if _, ok := cell.(string); ok {
		return cell
	}
	if s, ok := text(cell); ok {
		return s
	}
	return nil
}

func number(n int64) mlflow.Number { return mlflow.Number(strconv.FormatInt(n, 10)) }

// roomy makes an object with room for n members.
func roomy(n int) *mlflow.Object { return mlflow.NewObject(make([]mlflow.Member, 0, n)...) }

// pair is an entry of a list of tags or params.
func pair(key, value any) *mlflow.Object {
	o := roomy(2)
	if k := textCell(key); k != nil {
		o.Append("key", k)
	}
	if v := textCell(value); v != nil {
		o.Append("value", v)
	}
	return o
}

// putList appends a list, in the order of less, unless it is empty.
func putList(o *mlflow.Object, member string, list []any, order func(a, b *mlflow.Object) int) {
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b any) int { return order(a.(*mlflow.Object), b.(*mlflow.Object)) })
	o.Append(member, list)
}

// byText orders objects by text members, byte by byte.
func byText(members ...string) func(a, b *mlflow.Object) int {
	return func(a, b *mlflow.Object) int {
		for _, m := range members {
			if c := strings.Compare(a.Text(m), b.Text(m)); c != 0 {
				return c
			}
		}
		return 0
	}
}
