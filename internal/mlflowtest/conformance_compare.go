package mlflowtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// absent stands for a member that is not there.
type absent struct{}

// A delta is one place where two values differ.
type delta struct {
	path      string // for people: data.metrics[accuracy].step
	field     string // without what names a list's item: data.metrics.step
	want, got any    // absent{}: not there
}

// deltas compares two values. Members must be in the same order; lists, which
// MLflow leaves in no order, are compared item by item.
func deltas(want, got any) []delta {
	var out []delta
	walk(delta{want: want, got: got}, func(d delta) { out = append(out, d) })
	return out
}

func walk(d delta, found func(delta)) {
	switch want := d.want.(type) {
	case *mlflow.Object:
		if got, ok := d.got.(*mlflow.Object); ok {
			walkMembers(d, want, got, found)
			return
		}
	case []any:
		if got, ok := d.got.([]any); ok {
			walkItems(d, want, got, found)
			return
		}
	}
	if shown(d.want) != shown(d.got) {
		found(d)
	}
}

func walkMembers(d delta, want, got *mlflow.Object, found func(delta)) {
	var order [2][]string
	for key, value := range want.All() {
		if other, ok := got.Get(key); ok {
			order[0] = append(order[0], key)
			walk(d.member(key, value, other), found)
		} else {
			found(d.member(key, value, absent{}))
		}
	}
	for key, value := range got.All() {
		if want.Has(key) {
			order[1] = append(order[1], key)
		} else {
			found(d.member(key, absent{}, value))
		}
	}
	if !slices.Equal(order[0], order[1]) {
		found(d.member("order of members", plain(strings.Join(order[0], " ")), plain(strings.Join(order[1], " "))))
	}
}

func (d delta) member(key string, want, got any) delta {
	dot := ""
	if d.path != "" {
		dot = "."
	}
	return delta{d.path + dot + key, d.field + dot + key, want, got}
}

// walkItems pairs the items that are about the same thing. Items without a
// partner are absent on the other side.
func walkItems(d delta, want, got []any, found func(delta)) {
	w, g := byIdentity(want), byIdentity(got)
	for len(w) > 0 || len(g) > 0 {
		order := 0
		switch {
		case len(w) == 0:
			order = 1
		case len(g) == 0:
			order = -1
		default:
			order = cmp.Compare(w[0].id, g[0].id)
		}
		switch {
		case order < 0:
			found(d.item(w[0].id, w[0].value, absent{}))
			w = w[1:]
		case order > 0:
			found(d.item(g[0].id, absent{}, g[0].value))
			g = g[1:]
		default:
			walk(d.item(w[0].id, w[0].value, g[0].value), found)
			w, g = w[1:], g[1:]
		}
	}
}

func (d delta) item(id string, want, got any) delta {
	return delta{d.path + "[" + id + "]", d.field, want, got}
}

// A listItem is an item of a list with what it is about.
type listItem struct {
	id    string
	value any
}

func byIdentity(list []any) []listItem {
	out := make([]listItem, len(list))
	for i, v := range list {
		out[i] = listItem{identity(v), v}
	}
	slices.SortStableFunc(out, func(a, b listItem) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(shown(a.value), shown(b.value)))
	})
	return out
}

// identity is what an item of one of MLflow's lists, or of ours, is about.
func identity(v any) string {
	o, ok := v.(*mlflow.Object)
	if !ok {
		return shown(v)
	}
	if d := o.Object("dataset"); d != nil {
		return d.Text("name") + " " + d.Text("digest")
	}
	var parts []string
	for _, key := range []string{"uri", "path", "section", "key", "alias", "name", "version", "dataset_name", "dataset_digest"} {
		if t := o.Text(key); t != "" {
			parts = append(parts, t)
		}
	}
	if parts == nil {
		parts = append(parts, o.Text("model_id"))
	}
	return strings.Join(parts, " ")
}

// shown is a value as JSON on one line.
func shown(v any) string {
	switch v := v.(type) {
	case absent:
		return "nothing"
	case plain:
		return string(v)
	}
	return string(mlflow.JSON{}.Append(nil, v))
}

func brief(v any) string {
	s := shown(v)
	if len(s) > 300 {
		return fmt.Sprintf("%s... (%d bytes)", s[:300], len(s))
	}
	return s
}
