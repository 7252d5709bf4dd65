package manifest_test

import (
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/manifest"
)

// Whatever a store's names are, its first manifest is valid and says what was
// asked for.
func TestAStarterManifestIsValid(t *testing.T) {
	odd := "models:/a \"b\" ${env:HOME} \u2028 ü#:\n- c/3"
	data := manifest.Write([]manifest.Starter{
		{Host: "store", Tracking: "sqlite:////data/my ${x} store/mlflow.db", Comment: "two\nlines", Models: true, Examples: []string{odd}, URIs: []string{odd, "runs:/abc/model"}},
		{Host: "store-2", Tracking: "/data/mlruns", URIs: []string{"models:/m-12"}},
		{Host: "store-3", Tracking: "/data/empty/mlruns"},
	})
	m, err := manifest.Parse(data, manifest.Options{Dir: "/work"})
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if len(m.Hosts) != 3 || m.DefaultHost != "store" || m.Hosts[0].Tracking != "sqlite:////data/my ${x} store/mlflow.db" {
		t.Errorf("%+v", m.Hosts)
	}
	if len(m.Entries) != 5 || m.Entries[0].Select == nil || m.Entries[0].Host != "store" || m.Entries[1].Ref.Model != odd[len("models:/"):len(odd)-2] || m.Entries[3].Host != "store-2" || !m.Entries[4].Select.AllowEmpty {
		t.Errorf("%+v\n%s", m.Entries, data)
	}
	if strings.Contains(string(data), "two\nlines") {
		t.Error("a comment goes on in the next line")
	}
}
