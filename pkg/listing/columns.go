package listing

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Kind is what the rows are, in the word of its command: list-runs.
type Kind string

// The kinds of rows.
const (
	RegisteredModels Kind = "registered-models"
	ModelVersions    Kind = "model-versions"
	Experiments      Kind = "experiments"
	Runs             Kind = "runs"
	LoggedModels     Kind = "logged-models"
	Artifacts        Kind = "artifacts"
)

// A shape says how a value is written for people.
type shape int

const (
	plain  shape = iota
	moment       // milliseconds since 1970
	size         // bytes
	span         // seconds
)

// A Column is one attribute of the objects, by MLflow's name for it.
type Column struct {
	Name  string
	Table bool // it is in a table for which no columns were chosen
	Costs bool // it takes reading a file of each model, so it must be asked for

	is    shape
	value func(*mlflow.Object) any // nil: there is none
}

// Members that commands add to objects for columns which MLflow's own objects
// lack.
const (
	FlavorMember     = "_model_flavor"
	SizeMember       = "_model_size_bytes"
	ExperimentMember = "_experiment_name" // in `info` where there is one
)

// ColumnsOf lists the columns of a kind, `tags.KEY` and the like aside.
func ColumnsOf(k Kind) []Column {
	flavor := Column{Name: "flavor", Costs: true, value: top(FlavorMember)}
	bytes := Column{Name: "size", Costs: true, is: size, value: top(SizeMember)}
	switch k {
	case RegisteredModels:
		return []Column{
			shown("name"), {Name: "latest_version", Table: true, value: latestVersion}, {Name: "aliases", Table: true, value: modelAliases}, {Name: "stages", value: stages},
			at("creation_timestamp", moment), shownAt("last_updated_timestamp", moment), at("user_id", plain), shown("description"), pairs("tags", true),
		}
	case ModelVersions:
		return []Column{
			shown("name"), shown("version"), {Name: "aliases", Table: true, value: member("aliases")}, shown("current_stage"), at("status", plain),
			shownAt("creation_timestamp", moment), at("last_updated_timestamp", moment), at("user_id", plain), shown("run_id"), at("model_id", plain), at("source", plain),
			at("description", plain), pairs("tags", true), flavor, bytes,
		}
	case Experiments:
		return []Column{
			shown("experiment_id"), shown("name"), shown("lifecycle_stage"), shownAt("creation_time", moment), at("last_update_time", moment), at("artifact_location", plain), pairs("tags", true),
		}
	case Runs:
		return []Column{
			shown("run_id"), shown("run_name"), at("experiment_id", plain), {Name: "experiment", Table: true, value: member(ExperimentMember)}, shown("status"), at("lifecycle_stage", plain),
			shownAt("start_time", moment), at("end_time", moment), {Name: "duration", is: span, value: duration}, at("user_id", plain), at("artifact_uri", plain),
			pairs("metrics", true), pairs("params", false), pairs("tags", false),
		}
	case LoggedModels:
		return []Column{
			shown("model_id"), shown("name"), at("experiment_id", plain), {Name: "experiment", Table: true, value: member(ExperimentMember)}, shown("source_run_id"), at("model_type", plain),
			at("status", plain), shownAt("creation_timestamp_ms", moment), at("last_updated_timestamp_ms", moment), at("artifact_uri", plain),
			pairs("metrics", true), pairs("params", false), pairs("tags", false), flavor, bytes,
		}
	}
	return []Column{shown("path"), {Name: "bytes", Table: true, is: size, value: member("bytes")}, at("is_dir", plain)}
}

// Choose finds the columns that are asked for: names, `+name` for one more than
// by default, `all`, and `tags.KEY`, `metrics.KEY` and `params.KEY`. people says
// that the default is what fits into a table.
func Choose(k Kind, names []string, people bool) ([]Column, error) {
	known := ColumnsOf(k)
	var byDefault, chosen []Column
	for _, c := range known {
		if c.Table || !people && !c.Costs {
			byDefault = append(byDefault, c)
		}
	}
	for i, name := range names {
		more, plus := strings.CutPrefix(name, "+")
		if plus && i == 0 {
			chosen = byDefault
		}
		switch c, ok := Find(k, more); {
		case name == "all":
			chosen = append(chosen, known...)
		case ok:
			chosen = append(slices.Clip(chosen), c)
		default:
			return nil, unknownColumn(k, more)
		}
	}
	if len(names) == 0 {
		return byDefault, nil
	}
	return chosen, nil
}

func unknownColumn(k Kind, name string) error {
	var names []string
	for _, c := range ColumnsOf(k) {
		names = append(names, c.Name)
	}
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrInvalid, "there is no column %q", name),
		Hint: "the columns are " + strings.Join(names, ", ") + ", all, and tags.KEY where there are tags; +NAME adds to those that are shown by default",
	}
}

// Find finds a column by its name.
func Find(k Kind, name string) (Column, bool) {
	for _, c := range ColumnsOf(k) {
		if c.Name == name {
			return c, true
		}
	}
	in, key, ok := strings.Cut(name, ".")
	if i := slices.IndexFunc(ColumnsOf(k), func(c Column) bool { return c.Name == in }); !ok || key == "" || i < 0 || !slices.Contains([]string{"tags", "metrics", "params"}, in) {
		return Column{}, false
	}
	return Column{Name: name, value: func(o *mlflow.Object) any {
		v, _ := pairsOf(o, in).Get(key)
		return v
	}}, true
}

// Value is what the object has in this column: nil, a string, a mlflow.Number,
// a bool, a list or an object.
func (c Column) Value(o *mlflow.Object) any {
	switch v := c.value(o).(type) {
	case []any:
		if len(v) == 0 {
			return nil
		}
		return v
	case *mlflow.Object:
		if v.Len() == 0 {
			return nil
		}
		return v
	case string:
		if v == "" {
			return nil
		}
		return v
	default:
		return v
	}
}

func shown(name string) Column { return Column{Name: name, Table: true, value: member(name)} }

func at(name string, is shape) Column { return Column{Name: name, is: is, value: member(name)} }

func shownAt(name string, is shape) Column {
	return Column{Name: name, Table: true, is: is, value: member(name)}
}

func pairs(name string, table bool) Column {
	return Column{Name: name, Table: table, value: func(o *mlflow.Object) any { return pairsOf(o, name) }}
}

// top reads a member of the object itself.
func top(name string) func(*mlflow.Object) any {
	return func(o *mlflow.Object) any {
		v, _ := o.Get(name)
		return v
	}
}

// member reads a member of the object, or of its `info` where it has one.
func member(name string) func(*mlflow.Object) any {
	return func(o *mlflow.Object) any {
		if info := o.Object("info"); info != nil {
			o = info
		}
		v, _ := o.Get(name)
		return v
	}
}

// pairsOf are tags, metrics or params as an object in order of the keys; of a
// metric that is there several times, the last.
func pairsOf(o *mlflow.Object, name string) *mlflow.Object {
	if data := o.Object("data"); data.Has(name) {
		o = data
	} else if info := o.Object("info"); info != nil {
		o = info
	}
	found := mlflow.NewObject()
	if m := o.Object(name); m != nil {
		for k, v := range m.All() {
			found.Append(k, v)
		}
	}
	for p := range o.Objects(name) {
		v, _ := p.Get("value")
		found.Set(p.Text("key"), v)
	}
	var members []mlflow.Member
	for k, v := range found.All() {
		members = append(members, mlflow.Member{Key: k, Value: v})
	}
	slices.SortStableFunc(members, func(a, b mlflow.Member) int { return strings.Compare(a.Key, b.Key) })
	return mlflow.NewObject(members...)
}

func latestVersion(o *mlflow.Object) any {
	highest := int64(0)
	for v := range (mlflow.RegisteredModel{Object: o}).LatestVersions() {
		highest = max(highest, v.ID().Version)
	}
	if highest == 0 {
		return nil
	}
	return strconv.FormatInt(highest, 10)
}

// modelAliases are the aliases of a registered model with the versions that
// they mean.
func modelAliases(o *mlflow.Object) any {
	var members []mlflow.Member
	for alias, v := range (mlflow.RegisteredModel{Object: o}).Aliases() {
		members = append(members, mlflow.Member{Key: alias, Value: strconv.FormatInt(v, 10)})
	}
	slices.SortStableFunc(members, func(a, b mlflow.Member) int { return cmp.Compare(a.Key, b.Key) })
	return mlflow.NewObject(members...)
}

// stages are the stages of a registered model with the highest version in each.
func stages(o *mlflow.Object) any {
	found := mlflow.NewObject()
	for v := range (mlflow.RegisteredModel{Object: o}).LatestVersions() {
		if v.Stage() != "" && v.Stage() != "None" {
			found.Set(v.Stage(), v.Text("version"))
		}
	}
	return found
}

func duration(o *mlflow.Object) any {
	info := mlflow.Run{Object: o}.Info()
	start, err := strconv.ParseInt(info.Text("start_time"), 10, 64)
	end, err2 := strconv.ParseInt(info.Text("end_time"), 10, 64)
	if err != nil || err2 != nil || end < start {
		return nil
	}
	return mlflow.Number(fmt.Sprintf("%.3f", float64(end-start)/1000))
}
