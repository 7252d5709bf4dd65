package mlflow

import (
	"errors"
	"testing"
)

func decoded(t *testing.T, text string) *Object {
	t.Helper()
	o, err := DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFiltersMeanWhatTheyMeanToMLflow(t *testing.T) {
	version := `{"name":"it's","version":"12","run_id":"r1","source":"s3://b/x","tags":[{"key":"tier","value":"1"},{"key":"a.b","value":"Yes"},{"key":"empty","value":""}]}`
	run := `{"info":{"run_id":"r1","status":"FINISHED","start_time":1000,"run_name":"old"},"data":{"metrics":[{"key":"auc","value":0.91},{"key":"bad","value":"NaN"}],"params":[{"key":"a b","value":"7"}],"tags":[{"key":"mlflow.runName","value":"new"}]}}`
	logged := `{"info":{"model_id":"m-1","name":"model","creation_timestamp_ms":5,"tags":[{"key":"k","value":"v"}]},"data":{"metrics":[{"key":"auc","value":0.1},{"key":"auc","value":0.9}]}}`
	for _, c := range []struct {
		kind   FilterKind
		object string
		filter string
		want   bool
	}{
		{VersionFilter, version, ``, true},
		{VersionFilter, version, `name = "it's"`, true},
		{VersionFilter, version, `name='its'`, false},
		{VersionFilter, version, `name LIKE 'i_''`, false},
		{VersionFilter, version, `name like 'IT%'`, false},
		{VersionFilter, version, `name ILIKE 'IT%' and tags.tier = '1'`, true},
		{VersionFilter, version, `name IN ('x','it\'s')`, true},
		{VersionFilter, version, `name NOT IN ('x')`, true},
		{VersionFilter, version, `version_number > 9`, true},
		{VersionFilter, version, `version_number = 12 AND version_number != 12`, false},
		{VersionFilter, version, "tag.`a.b` = 'Yes'", true},
		{VersionFilter, version, `tags.a.b LIKE 'Y_s'`, true},
		{VersionFilter, version, `tags."a.b" ILIKE '%S'`, true},
		{VersionFilter, version, `tags.absent != 'x'`, false},
		{VersionFilter, version, `tags.empty = ''`, true},
		{VersionFilter, version, `source_path LIKE 's3:%'`, true},
		{RunFilter, run, `metrics.auc > 0.9 AND params."a b" = '7'`, true},
		{RunFilter, run, `metrics.auc >= 0.92`, false},
		{RunFilter, run, `metrics.bad < 1`, false},
		{RunFilter, run, `metrics.bad != 1`, true},
		{RunFilter, run, `attributes.run_name = 'new' and status = 'FINISHED' and start_time <= 1e3`, true},
		{LoggedModelFilter, logged, `metrics.auc > 0.5 AND tags.k = 'v' AND creation_timestamp = 5`, true},
	} {
		f, err := ParseFilter(c.kind, c.filter)
		if c.filter == `name LIKE 'i_''` { // a quote is not doubled: what follows is no AND
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", c.filter, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.Match(decoded(t, c.object)); got != c.want {
			t.Errorf("%s: %v, want %v", c.filter, got, c.want)
		}
	}
}

func TestWhatAFilterSaysBeyondThatIsRefused(t *testing.T) {
	for _, c := range []struct {
		kind   FilterKind
		filter string
	}{
		{ModelFilter, `name = 'a' OR name = 'b'`},
		{ModelFilter, `(name = 'a')`},
		{ModelFilter, `name = a`},
		{ModelFilter, `name = 'a`},
		{ModelFilter, `name = 'a' AND`},
		{ModelFilter, `name = 'a' name = 'b'`},
		{ModelFilter, `name > 'a'`},
		{ModelFilter, `name IN 'a'`},
		{ModelFilter, `name IN ('a' 'b')`},
		{ModelFilter, `name IN ()`},
		{ModelFilter, `run_id = 'a'`},
		{ModelFilter, `metrics.a > 1`},
		{ModelFilter, `tags.a IN ('b')`},
		{ModelFilter, `tags.a IS NULL`},
		{ModelFilter, `tags. = 'a'`},
		{ModelFilter, `dogs.a = 'a'`},
		{ModelFilter, `=`},
		{VersionFilter, `version_number = '1'`},
		{VersionFilter, `version_number LIKE 1`},
		{VersionFilter, `aliases = 'champion'`},
		{RunFilter, `datasets.name = 'x'`},
		{RunFilter, `metrics.auc > '1'`},
		{LoggedModelFilter, `status = 'READY'`},
	} {
		if _, err := ParseFilter(c.kind, c.filter); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%s: %v (%s)", c.filter, err, Hint(err))
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("name = 'a' AND tags.`x` LIKE \"%b\" AND metrics.auc >= 1e-3 AND run_id IN ('a','\\'')")
	o := NewObject(Member{Key: "name", Value: "a"})
	f.Fuzz(func(t *testing.T, text string) {
		for k := ModelFilter; k <= LoggedModelFilter; k++ {
			if filter, err := ParseFilter(k, text); err == nil {
				filter.Match(o)
			} else if !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
