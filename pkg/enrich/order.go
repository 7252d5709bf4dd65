package enrich

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// sortObjects copies a list in order. Items that compare equal are ordered by
// their JSON, so that the order of arrival never shows.
func sortObjects(list []any, compare func(a, b *mlflow.Object) int) []any {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(x, y any) int {
		a, _ := x.(*mlflow.Object)
		b, _ := y.(*mlflow.Object)
		if c := compare(a, b); c != 0 {
			return c
		}
		return bytes.Compare(mlflow.JSON{}.Append(nil, x), mlflow.JSON{}.Append(nil, y))
	})
	return out
}

// byText compares by the text of members, in byte order.
func byText(keys ...string) func(a, b *mlflow.Object) int {
	return func(a, b *mlflow.Object) int {
		for _, k := range keys {
			if c := strings.Compare(a.Text(k), b.Text(k)); c != 0 {
				return c
			}
		}
		return 0
	}
}

// byNumber compares by the value of members, which may be numbers or text.
// What is no number comes first, then NaN.
func byNumber(keys ...string) func(a, b *mlflow.Object) int {
	return func(a, b *mlflow.Object) int {
		for _, k := range keys {
			if c := compareNumbers(a.Text(k), b.Text(k)); c != 0 {
				return c
			}
		}
		return 0
	}
}

func compareNumbers(a, b string) int {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	if errA != nil || errB != nil {
		return rank(errA) - rank(errB)
	}
	return cmp.Compare(x, y)
}

func rank(err error) int {
	if err != nil {
		return 0
	}
	return 1
}

// sortAliases orders aliases by name: texts on a version, objects with `alias`
// on a registered model.
func sortAliases(list []any) []any {
	return sortObjects(list, byText("alias")) // texts compare by their JSON
}
