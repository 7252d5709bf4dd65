package batch

import (
	"reflect"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Everything that is read about a model is part of its inputs: what is not
// would change without anybody noticing.
func TestInputsCoverAllOfABundle(t *testing.T) {
	l := &lane{run: &run{}}
	before, _ := l.inputs(job{}, fetch.Outcome{Bundle: &mlflow.Bundle{}}, nil)
	elsewhere := map[string]string{ // of a bundle, and what stands for it
		"Files":        "Sums.List",
		"Environment":  "EnvironmentFiles",
		"KeptFiles":    "Outcome.Wanted",
		"File.Data":    "Sums.MLmodel",
		"File.Content": "Sums.MLmodel",
	}
	wanted, _ := l.inputs(job{}, fetch.Outcome{Bundle: &mlflow.Bundle{}, Wanted: make([]fetch.WantedFile, 1)}, nil)
	if wanted == before {
		t.Error("wanted files are not part of the inputs")
	}
	changed := func(t *testing.T, name string, b *mlflow.Bundle, sums fetch.Sums) {
		if after, _ := l.inputs(job{}, fetch.Outcome{Bundle: b, Sums: sums}, nil); after == before {
			t.Errorf("%s is not part of the inputs", name)
		}
	}
	changed(t, "Sums.List", &mlflow.Bundle{}, fetch.Sums{List: "x"})
	changed(t, "Sums.MLmodel", &mlflow.Bundle{}, fetch.Sums{MLmodel: "x"})
	for _, f := range reflect.VisibleFields(reflect.TypeFor[mlflow.Bundle]()) {
		if elsewhere[f.Name] != "" {
			continue
		}
		b := &mlflow.Bundle{}
		field := reflect.ValueOf(b).Elem().FieldByIndex(f.Index)
		if f.Type == reflect.TypeFor[mlflow.ModelFile]() {
			for _, sub := range reflect.VisibleFields(f.Type) {
				if elsewhere["File."+sub.Name] == "" {
					b := &mlflow.Bundle{}
					fill(t, reflect.ValueOf(b).Elem().FieldByIndex(f.Index).FieldByIndex(sub.Index))
					changed(t, f.Name+"."+sub.Name, b, fetch.Sums{})
				}
			}
			continue
		}
		fill(t, field)
		changed(t, f.Name, b, fetch.Sums{})
	}
}

// fill gives a field some value.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Int:
		v.SetInt(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*mlflow.Object]() {
			v.Set(reflect.ValueOf(mlflowtest.JSON(`{"name": "x"}`)))
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x"), reflect.Zero(v.Type().Elem()))
	case reflect.Struct:
		fill(t, v.Field(0))
	default:
		t.Fatalf("no value for %s", v.Type())
	}
}

func TestInputsDoNotDependOnTheOrderInWhichAStoreLists(t *testing.T) {
	of := func(compat bool, json string) string {
		l := &lane{run: &run{Options: Options{Compat: compat}}}
		inputs, _ := l.inputs(job{levels: manifest.NoLevel}, fetch.Outcome{Bundle: &mlflow.Bundle{Run: mlflow.Run{Object: mlflowtest.JSON(json)}}}, nil)
		return inputs
	}
	a := `{"data": {"tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "22"}, {"key": "c"}]}}`
	b := `{"data": {"tags": [{"key": "c"}, {"key": "b", "value": "22"}, {"key": "a", "value": "1"}]}}`
	if of(false, a) != of(false, b) {
		t.Error("the order of tags counts")
	}
	if of(true, a) == of(true, b) {
		t.Error("the order of tags does not count in reports for the seed tool, which show it")
	}
	for _, other := range []string{
		`{"data": {"tags": [{"key": "a", "value": "12"}, {"key": "b", "value": "2"}, {"key": "c"}]}}`,
		`{"data": {"tags": [{"key": "a", "value": 1}, {"key": "b", "value": "22"}, {"key": "c"}]}}`,
		`{"data": {"tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "22"}, {"key": "c"}, {"key": "c"}]}}`,
		`{"data": {"tags": [[{"key": "a", "value": "1"}, {"key": "b", "value": "22"}], {"key": "c"}]}}`,
	} {
		if of(false, a) == of(false, other) {
			t.Errorf("%s counts as %s", other, a)
		}
	}
}
