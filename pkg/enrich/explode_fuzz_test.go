package enrich_test

import (
	"testing"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// FuzzExplode feeds a tag any text: the result is strict JSON again, a text
// that is no object and no array stays, and what was exploded explodes no
// further.
func FuzzExplode(f *testing.F) {
	for _, seed := range []string{"", "1e400", `{"a": "[1, \"{}\"]"}`, `[NaN]`, "[\"\\ud800\"]", `{"a":1,"a":2}`, " {} ", "\x00", "path=a,format=b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []enrich.Options{{}, {Compat: true}} {
			for _, key := range []string{"a", "sparkDatasourceInfo"} {
				tags := withTag(t, key, text, o)
				if _, err := mlflow.DecodeStrict(string(mlflow.EncodeReport(tags))); err != nil {
					t.Fatalf("compat %t: %v", o.Compat, err)
				}
			}
		}
		got, _ := withTag(t, "a", text, enrich.Options{}).Get("a")
		switch got.(type) {
		case string:
			if got != text {
				t.Fatalf("text became %q", got)
			}
		case *mlflow.Object, []any:
			again, _ := withTag(t, "a", compact(got), enrich.Options{}).Get("a")
			if compact(again) != compact(got) {
				t.Fatalf("%s exploded further to %s", compact(got), compact(again))
			}
		default:
			t.Fatalf("became a %T", got)
		}
	})
}
