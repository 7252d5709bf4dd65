package enrich

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// explodeDepth is how deep exploded JSON may nest, so that no report nests
// deeper than mlflow.MaxDepth, which is what readers of JSON can take.
const explodeDepth = mlflow.MaxDepth - 16

// explode replaces text that is a JSON object or array by what it says, with
// all text in it that is one, too. Anything else stays as it is: scalars, and
// what could not be written again without loss (see mlflow.DecodeStrict).
func explode(v any) any { return explodeText(v, explodeDepth) }

// explodeText explodes a value that may be text: the very value when it is
// none, or stays as it is.
func explodeText(v any, left int) any {
	s, ok := v.(string)
	if start := strings.TrimLeft(s, " \t\r\n"); !ok || start == "" || start[0] != '{' && start[0] != '[' {
		return v
	}
	says, err := mlflow.DecodeStrict(s)
	if err != nil || depth(says) > left {
		return v
	}
	return explodeInside(says, left)
}

// explodeInside explodes the text in a value that is ours alone.
func explodeInside(v any, left int) any {
	switch v := v.(type) {
	case *mlflow.Object:
		members := make([]mlflow.Member, 0, v.Len())
		for k, m := range v.All() {
			members = append(members, mlflow.Member{Key: k, Value: explodeInside(m, left-1)})
		}
		return mlflow.NewObject(members...)
	case []any:
		for i := range v {
			v[i] = explodeInside(v[i], left-1)
		}
		return v
	case string:
		return explodeText(v, left)
	}
	return v
}

// depth counts how deep objects and arrays nest.
func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case *mlflow.Object:
		for _, m := range v.All() {
			deepest = max(deepest, depth(m))
		}
	case []any:
		for _, m := range v {
			deepest = max(deepest, depth(m))
		}
	default:
		return 0
	}
	return deepest + 1
}

// explodeMembers explodes members of an object that is ours alone.
func explodeMembers(o *mlflow.Object, keys ...string) {
	for _, k := range keys {
		if v, ok := o.Get(k); ok {
			o.Set(k, explode(v))
		}
	}
}

// explodeValue gives a pair of key and value with the value exploded: the pair
// itself when there is nothing to explode, as with nearly all of them.
func explodeValue(pair *mlflow.Object) *mlflow.Object {
	v, _ := pair.Get("value")
	if _, ok := v.(string); ok {
		if value := explode(v); value != v {
			return pair.With("value", value)
		}
	}
	return pair
}
