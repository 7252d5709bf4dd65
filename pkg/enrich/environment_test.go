package enrich_test

import (
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/enrich"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func requirementsOf(text string) []any {
	return enrich.Environment(&mlflow.Bundle{EnvironmentFiles: &mlflow.EnvironmentFiles{Requirements: []byte(text)}}).List("requirements")
}

func TestRequirementsAreTakenApart(t *testing.T) {
	for line, want := range map[string]string{
		"a==1":                          `{"name":"a","specifier":"==1","text":"a==1"}`,
		"A.b-c_d >= 1 ,!=1.5":           `{"name":"A.b-c_d","specifier":">= 1 ,!=1.5","text":"A.b-c_d >= 1 ,!=1.5"}`,
		"bar (>=2)":                     `{"name":"bar","specifier":">=2","text":"bar (>=2)"}`,
		"torch===2.1+cu118":             `{"name":"torch","specifier":"===2.1+cu118","text":"torch===2.1+cu118"}`,
		"pkg;python_version<'3'":        `{"name":"pkg","marker":"python_version<'3'","text":"pkg;python_version<'3'"}`,
		"x[a, b]~=1.0":                  `{"name":"x","extras":"a, b","specifier":"~=1.0","text":"x[a, b]~=1.0"}`,
		"a @ file:///x/y.whl":           `{"name":"a","url":"file:///x/y.whl","text":"a @ file:///x/y.whl"}`,
		"x y":                           `{"text":"x y"}`,
		"-x":                            `{"text":"-x"}`,
		"a=1":                           `{"text":"a=1"}`,
		"some/path":                     `{"text":"some/path"}`,
		"a>=":                           `{"text":"a>="}`,
		"http://u:p@h/x.whl":            `{"text":"http://h/x.whl"}`,
		"-e git+ssh://git@h/x.git@main": `{"text":"-e git+ssh://h/x.git@main"}`,
		"a==1 # why":                    `{"name":"a","specifier":"==1","text":"a==1"}`,
		"a==1#no-comment":               `{"name":"a","specifier":"==1#no-comment","text":"a==1#no-comment"}`,
		"é==1":                          `{"text":"é==1"}`,
	} {
		list := requirementsOf(line + "\r\n\n# a comment \\\n")
		if len(list) != 1 {
			t.Errorf("%q: %d requirements", line, len(list))
			continue
		}
		if got := string(mlflow.JSON{}.Append(nil, list[0])); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}

func FuzzRequirements(f *testing.F) {
	for _, s := range []string{"a==1\\\n b", "\xef\xbb\xbfa\r", "a[", "@", "a@b://c@d", ";", "#\\", "\\", "a ( )"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range requirementsOf(text) {
			if s := r.(*mlflow.Object).Text("text"); strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n\r") {
				t.Errorf("a requirement %q", s)
			}
		}
	})
}
