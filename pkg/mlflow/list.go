package mlflow

import "strconv"

// List makes a list of JSON of items, each as value says.
func List[T any](items []T, value func(T) any) []any {
	l := make([]any, len(items))
	for i, item := range items {
		l[i] = value(item)
	}
	return l
}

// Texts makes a list of JSON of texts.
func Texts(list []string) []any { return List(list, func(s string) any { return s }) }

// Integer is a whole number as JSON has it.
func Integer(n int64) Number { return Number(strconv.FormatInt(n, 10)) }
