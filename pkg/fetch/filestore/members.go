package filestore

import "github.com/mlreport/mlreport/pkg/mlflow"

// text is a member as text: a number that stands without quotes is its digits.
// nil when it is not there or null.
func text(meta *mlflow.Object, key string) any {
	switch v, _ := meta.Get(key); v := v.(type) {
	case string:
		return utf8(v)
	case mlflow.Number:
		return string(v)
	}
	return nil
}

// number is a member as a number, nil when it is none.
func number(meta *mlflow.Object, key string) any {
	if v, _ := meta.Get(key); v != nil {
		if n, ok := v.(mlflow.Number); ok {
			return n
		}
	}
	return nil
}

// unlessEmpty is nil for what Python takes for false.
func unlessEmpty(v any) any {
	if v == "" || v == mlflow.Number("0") {
		return nil
	}
	return v
}

// put adds a member unless its value is nil: protobuf leaves out what is not set.
func put(o *mlflow.Object, key string, v any) {
	if v != nil {
		o.Append(key, v)
	}
}

// putList adds a list unless it is empty.
func putList(o *mlflow.Object, key string, l []any) {
	if len(l) > 0 {
		o.Append(key, l)
	}
}

func textOr(v any, otherwise string) string {
	if t, ok := v.(string); ok {
		return t
	}
	return otherwise
}
