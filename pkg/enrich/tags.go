package enrich

import (
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// tagMembers reads a list of key and value. Of repeated keys the last wins, at
// the place of the first. A tag without value is empty: Databricks leaves out
// what is empty.
func tagMembers(list []any) []mlflow.Member {
	members := make([]mlflow.Member, 0, len(list))
	at := make(map[string]int, len(list))
	for _, item := range list {
		tag, ok := item.(*mlflow.Object)
		if !ok {
			continue
		}
		value, ok := tag.Get("value")
		if !ok {
			value = ""
		}
		key := tag.Text("key")
		if i, seen := at[key]; seen {
			members[i].Value = value
			continue
		}
		at[key] = len(members)
		members = append(members, mlflow.Member{Key: key, Value: value})
	}
	return members
}

// tagsInPlace turns the list at `tags` into an object in order of its keys,
// with exploded values. An empty list disappears.
func tagsInPlace(o *mlflow.Object) {
	list, ok := tagList(o)
	if !ok {
		return
	}
	if len(list) == 0 {
		o.Delete("tags")
		return
	}
	members := tagMembers(list)
	slices.SortFunc(members, func(a, b mlflow.Member) int { return strings.Compare(a.Key, b.Key) })
	for i := range members {
		members[i].Value = explode(members[i].Value)
	}
	o.Set("tags", mlflow.NewObject(members...))
}

// tagsToEnd does the same the seed tool's way: behind all else, in order of
// arrival, not exploded.
func tagsToEnd(o *mlflow.Object) {
	list, ok := tagList(o)
	if !ok {
		return
	}
	o.Delete("tags")
	if len(list) > 0 {
		o.Append("tags", mlflow.NewObject(tagMembers(list)...))
	}
}

func tagList(o *mlflow.Object) ([]any, bool) {
	v, _ := o.Get("tags")
	list, ok := v.([]any)
	return list, ok
}
