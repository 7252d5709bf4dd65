package mlflow

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// python is the interpreter of the environment with MLflow 3, which has PyYAML;
// without it the test is skipped loudly, or fails in CI.
func python(t *testing.T) string {
	const path = "../../.cache/mlflow-3.17.2/bin/python"
	if _, err := os.Stat(path); err == nil {
		return path
	}
	what := "no environment with PyYAML; make it with: scripts/mlflow-env 3.17.2"
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n", t.Name(), what)
	t.Skip(what)
	return ""
}

// askPyYAML sends documents (or values, which it dumps first) to the real PyYAML.
func askPyYAML(t *testing.T, asks []any) []any {
	t.Helper()
	cmd := exec.Command(python(t), "testdata/pyyaml.py")
	cmd.Stdin = bytes.NewReader(JSON{ASCII: true}.Append(nil, asks))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pyyaml.py: %v\n%s", err, stderr.Bytes())
	}
	answers, err := decode(out, MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return answers.([]any)
}

func TestReadsYAMLAsPyYAMLDoes(t *testing.T) {
	seed := uint64(1)
	if s := os.Getenv("PYYAML_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	var asks []any
	for _, name := range yamlCorpus(t) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		asks = append(asks, doc(string(data)))
	}
	for range 2000 {
		s := randomScalar(rnd)
		asks = append(asks, doc(s), doc("a: "+s+"\n"+s+": 1\n"))
	}
	for range 700 {
		asks = append(asks, doc(randomDocument(rnd)))
		asks = append(asks, NewObject(Member{"value", randomValue(rnd, 4)}, Member{"width", Number(strconv.Itoa(20 + rnd.IntN(80)))}))
	}
	wrong := 0
	for _, a := range askPyYAML(t, asks) {
		if complain(t, a.(*Object)) {
			if wrong++; wrong > 20 {
				t.FailNow()
			}
		}
	}
}

// yamlCorpus lists the committed documents, of which some are real.
func yamlCorpus(t testing.TB) []string {
	files, _ := filepath.Glob("testdata/yaml/*")
	if len(files) == 0 {
		t.Fatal("no corpus in testdata/yaml")
	}
	return files
}

func doc(s string) *Object { return NewObject(Member{"doc", s}) }

// complain reports when DecodeYAML and PyYAML do not see the same.
func complain(t *testing.T, answer *Object) bool {
	text := answer.Text("doc")
	if strings.Contains(text, "!!") && strings.Contains(text, " 10:") {
		return false // Python's int(" 10") passes over blanks
	}
	got, err := DecodeYAML([]byte(text))
	if answer.Has("error") {
		if err == nil && !lenient(answer.Text("error")) {
			t.Errorf("%q: PyYAML fails with %s, got %s", text, answer.Text("error"), JSON{}.Append(nil, got))
			return true
		}
		return false
	}
	want, _ := answer.Get("value")
	if err != nil {
		t.Errorf("%q: %v, PyYAML has %s", text, err, JSON{}.Append(nil, want))
		return true
	}
	g, w := JSON{}.Append(nil, canonical(got)), JSON{}.Append(nil, canonical(want))
	if !bytes.Equal(g, w) {
		t.Errorf("%q:\n got %s\nwant %s", text, g, w)
		return true
	}
	return false
}

// lenient names the failures of PyYAML that DecodeYAML does not share.
func lenient(failure string) bool {
	for _, s := range []string{
		"invalid literal for int",                    // 0x_, which stays text
		"2002:merge'",                                // << where no key stands, which stays text
		`character '\t' that cannot start any token`, // a tab is a blank, as in libyaml
		"found duplicate anchor",                     // the last one counts
	} {
		if strings.Contains(failure, s) {
			return true
		}
	}
	return false
}

// canonical writes equal numbers equally: Python keeps no digits.
func canonical(v any) any {
	switch v := v.(type) {
	case Number:
		return Number(numberKey(v))
	case []any:
		l := make([]any, len(v))
		for i := range v {
			l[i] = canonical(v[i])
		}
		return l
	case *Object:
		o := NewObject()
		for k, c := range v.All() {
			o.Set(k, canonical(c))
		}
		return o
	}
	return v
}

// randomScalar makes text that looks like one of YAML 1.1's scalars, nearly.
func randomScalar(rnd *rand.Rand) string {
	pieces := []string{"0", "1", "7", "8", "59", "60", "12", "00", "0x", "0b", "0o", "F", "e", "E", "e5", "e+5", "e-5", "E+308", "_", ".", "..", ":", ":30", "+", "-", ".inf",
		".NaN", ".nan", ".Inf", "yes", "No", "ON", "oFF", "true", "TRUE", "y", "n", "null", "~", "Null", "NULL", "=", "<<", "2024-05-01", " 10:11:12", "T1:2:3Z", "!!str ", "!!int ", "!!float ", "!!bool ", "'1'", "\"yes\""}
	var b strings.Builder
	for range 1 + rnd.IntN(4) {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

// randomDocument puts fragments of YAML together; most of the results are broken.
func randomDocument(rnd *rand.Rand) string {
	lines := []string{"a: 1", "b: {x: 1, y: [2, 3]}", "c: &A {p: 1, q: 2}", "d: *A", "e: {<<: *A, q: 3}", "f: &B [1, 2]", "<<: *A", "<<: [*A, {z: 1}]", "g: |\n  text\n   more\n", "h: >-\n  folded\n  text",
		"i: 'single ''quoted'''", "j: \"a\\tb\\u2603\\x41\\\n    c\"", "k: !!set {a, b}", "l: !!omap [a: 1, b: 2]", "m: !!binary aGVsbG8=", "? n\n: 1", "o:\n- 1\n- 2", "p:\n  - {a: b}\n  -\n    - x", "q: # comment", "3: one", "1.50: x",
		"true: t", "~: n", "2001-01-01: d", "a: 2", "r: !x 1", "s: [1, 2,]", "t: {a: , b: }", "u: - 1", "v: @x", "w: `x`", "x: %y", "y: a: b", "z: 'open", "---", "...", "# only a comment", "aa: [*A, *B]", "[1]: 2", "? {a: 1}\n: 2",
		"bb: !!int '0x1F'", "cc: !!str 12", "dd: !!float 3", "ee: a\n  b\n\n  c", "ff: \"\"", "gg:", "hh: !!null ''", "ii: !!map {a: 1}", "jj: !!seq [1]", "kk: {a: 1, a: 2}", "\tll: 1", "mm:\t1", "nn: 1 # c", "oo: a#b", "pp: [a b, c: d]", "qq: {[1]: 2}"}
	var b strings.Builder
	for range 1 + rnd.IntN(7) {
		b.WriteString(lines[rnd.IntN(len(lines))])
		b.WriteByte('\n')
	}
	return b.String()
}

// randomValue makes what MLflow could write: its dump is read back.
func randomValue(rnd *rand.Rand, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rnd.IntN(kinds) {
	case 0:
		return randomText(rnd)
	case 1:
		return randomScalar(rnd)
	case 2:
		return Number(strconv.Itoa(rnd.IntN(1 << 40)))
	case 3:
		return []any{nil, true, false, pythonFloat(rnd.NormFloat64() * 1e5), pythonFloat(rnd.Float64() * 1e-9)}[rnd.IntN(5)]
	case 4:
		l := []any{}
		for range rnd.IntN(4) {
			l = append(l, randomValue(rnd, depth-1))
		}
		return l
	}
	o := NewObject()
	for range rnd.IntN(5) {
		o.Set(randomScalar(rnd)+randomText(rnd), randomValue(rnd, depth-1))
	}
	return o
}

func randomText(rnd *rand.Rand) string {
	pieces := []string{"model", " ", "\n", "\t", ": ", "- ", "# ", "'", `"`, "{", "}", "[", ",", "é", "☃", "😀", "\\", "%", "&", "*", "!", "|", ">", "@", "\u0085", "\u2028", "\x7f", "1234e56", "a long word here"}
	var b strings.Builder
	for range rnd.IntN(12) {
		fmt.Fprint(&b, pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}
