package mlflow

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fullYAML is DecodeYAML without its short way.
func fullYAML(data []byte) (any, error) {
	root, err := parseYAML(data)
	if err != nil || root == nil {
		return nil, err
	}
	r := yamlReader{left: MaxYAMLNodes}
	return r.value(root, 0)
}

// What the short way reads, it reads as the full parser does.
func checkBlock(t *testing.T, data []byte) (short bool) {
	t.Helper()
	got, ok := blockYAML(data)
	if !ok {
		return false
	}
	want, err := fullYAML(data)
	if err != nil {
		t.Fatalf("%q: the full parser fails: %v", data, err)
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Object{})); d != "" {
		t.Fatalf("%q (-full +short):\n%s", data, d)
	}
	return true
}

const usualMLmodel = `artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    empty:
    none: {}
    extra_files:
    - path/one
    - 'two: ''2'''
    deeper:
      - 1
      - 2.50
      - yes
is_signature_from_type_hint: false
model_size_bytes: 1234
model_uuid: 0123e5
seed: 8217e29
signature:
  inputs: '[{"type": "double", "name": "x # y", "required": true}]'
  params: null
utc_time_created: '2023-11-14 22:13:20.000000'
when: 2023-11-14 22:13:20
`

func TestUsualMLmodelFilesAreReadTheShortWay(t *testing.T) {
	if !checkBlock(t, []byte(usualMLmodel)) {
		t.Error("not read the short way")
	}
	for _, text := range []string{
		"a: b\n c\n", "a: 'b\n  c'\n", "a: |\n  b\n", "a: &x 1\n", "a: *x\n", "a: !!str 1\n", "a: \"b\"\n", "a: b # c\n", "# c\na: b\n", "a: b: c\n",
		"---\na: b\n", "a: b\n...\n", "a: {b: c}\n", "a: [b]\n", "- a\n", "a\n", "a: b\na: c\n", "1: a\n", "yes: a\n", "a:\tb\n", "a: é\n", "a: b \n",
		"a:\n  b: 1\n c: 2\n", " a: b\n", "a: b\n  c: d\n", "a:\n- b: c\n", "a: 'b'c'\n", "a: 'b' c\n", "a: '\n", "a:b\n", "a: -\n", "? a\n", "a: %b\n", "<<: {}\n", "", "\n",
	} {
		if checkBlock(t, []byte(text)) {
			t.Errorf("%q is for the full parser", text)
		}
	}
}

func FuzzBlockYAML(f *testing.F) {
	for _, name := range yamlCorpus(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(usualMLmodel))
	for text := range strings.SplitSeq(usualMLmodel, "\n  ") {
		f.Add([]byte(text + "\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkBlock(t, data) })
}

func BenchmarkMLmodel(b *testing.B) {
	data := []byte(usualMLmodel)
	for name, read := range map[string]func([]byte) (any, error){"short": DecodeYAML, "full": fullYAML} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
