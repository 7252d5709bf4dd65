package fetch_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A read of many keys stops when what it has read is large; what is left is
// asked for apart.
func TestReadsOfLargeObjectsStopByBytes(t *testing.T) {
	keys := strings.Split("abcdefghij", "")
	text := strings.Repeat("x", 20<<20)
	read := 0
	one := func(context.Context, string) (mlflow.Run, error) {
		read++
		return mlflow.Run{Object: mlflow.NewObject(mlflow.Member{Key: "tag", Value: []any{mlflow.NewObject(mlflow.Member{Key: "value", Value: text})}})}, nil
	}
	many := func(ctx context.Context, some []string) (fetch.Results[string, mlflow.Run], error) {
		return fetch.Each(ctx, some, 1, one)
	}
	for name, ask := range map[string]func() (fetch.Results[string, mlflow.Run], error){
		"one by one": func() (fetch.Results[string, mlflow.Run], error) { return many(t.Context(), keys) },
		"in chunks":  func() (fetch.Results[string, mlflow.Run], error) { return fetch.Split(t.Context(), keys, 2, many) },
	} {
		read = 0
		got, err := ask()
		left := 0
		for _, k := range keys {
			if r, ok := got[k]; !ok || r.Err != nil && !errors.Is(r.Err, mlflow.ErrTooLarge) {
				t.Errorf("%s: %s: %v", name, k, r.Err)
			} else if r.Err != nil {
				left++
			}
		}
		if err != nil || read != 4 || left != 6 {
			t.Errorf("%s: %d were read and %d left, want 4 and 6: %v", name, read, left, err)
		}
	}
}
