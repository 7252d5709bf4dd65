package mlflow

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The scalars that yaml.v3, or JSON, would see otherwise. All were compared
// with PyYAML 6.0.3, save for the last group, at which it fails.
func TestYAMLScalarsAreThoseOfYAML11(t *testing.T) {
	for text, want := range map[string]any{
		"8217e29": "8217e29", "1234e56": "1234e56", "1e5": "1e5", "1.5e3": "1.5e3", ".5e3": ".5e3", "0o17": "0o17", "y": "y", "n": "n", "oN": "oN", "1:60": "1:60",
		"0:30": "0:30", "08": "08", "-.5": "-.5", "3.10": Number("3.10"), "1.0": Number("1.0"), "-0": Number("-0"), "007": Number("7"), "9.5e+300": Number("9.5e+300"),
		"yes": true, "Off": false, "TRUE": true, "no": false, "~": nil, "Null": nil, "": nil, "none": "none",
		"012": Number("10"), "-0x1F": Number("-31"), "0b101": Number("5"), "1_000": Number("1000"), "1:30": Number("90"), "-1:30:00": Number("-5400"), "+12": Number("12"), "0_": Number("0"),
		"1.": Number("1.0"), ".5": Number("0.5"), "+1.5": Number("1.5"), "1_0.5": Number("10.5"), "1:30.5": Number("90.5"), "09.5": Number("9.5"), "1.e+20": Number("1e+20"), "1.e-5": Number("1e-05"),
		".inf": ".inf", "-.Inf": "-.Inf", ".nan": ".nan", "1.e+400": "1.e+400", "2024-05-01": "2024-05-01", "2024-05-01 10:11:12.5": "2024-05-01 10:11:12.5", "2001-13-45": "2001-13-45",
		"12345678901234567890123": Number("12345678901234567890123"), "0xFFFFFFFFFFFFFFFFFFFF": Number("1208925819614629174706175"), "0.1000000000000000055511151231257827": Number("0.1000000000000000055511151231257827"),
		"'12'": "12", `"yes"`: "yes", "|-\n  12": "12", "!!str 12": "12", "!!int '0x1F'": Number("31"), "!!float 3": Number("3.0"), "!!bool 'on'": true, "!!binary aGk=": "aGk=", "!!float .NaN": ".NaN",
		"=": "=", "<<": "<<", "0x_": "0x_",
	} {
		got, err := DecodeYAML([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got != want {
			t.Errorf("%q is %#v, want %#v", text, got, want)
		}
	}
}

func TestYAMLMappingsAreThoseOfPyYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: 2\na: 3":                       `{"a":3,"b":2}`, // the last wins, in the place of the first
		"1: a\n1.50: b\ntrue: c\n~: d\n0x10: e":  `{"1":"a","1.5":"b","true":"c","null":"d","16":"e"}`,
		"2024-05-01: a\n8217e29: b\n-0: c\n=: d": `{"2024-05-01":"a","8217e29":"b","0":"c","=":"d"}`,
		"x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}":  `{"x":{"a":1,"b":2},"y":{"a":1,"b":3}}`,
		"x: &x {a: 1}\ny: {<<: [{a: 2}, *x]}":    `{"x":{"a":1},"y":{"a":2}}`,
		"y: {'<<': {a: 1}}":                      `{"y":{"<<":{"a":1}}}`, // quoted it is a key like others
		"x: &x [1]\ny: [*x, *x]":                 `{"x":[1],"y":[[1],[1]]}`,
		"!!set {a, b}":                           `{"a":null,"b":null}`,
		"!!omap [a: 1, b: 2]":                    `[["a",1],["b",2]]`,
		"{}":                                     `{}`,
		"[]":                                     `[]`,
		"":                                       `null`,
		"# nothing":                              `null`,
		"--- \n...\n":                            `null`,
		"\ufeffa: é":                             `{"a":"é"}`,
	} {
		got, err := DecodeYAML([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, string(JSON{}.Append(nil, got))); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestTextThatIsNoYAMLIsNamedSo(t *testing.T) {
	for _, text := range []string{
		"{ this: is: not, yaml", "a: b: c", "a\x00b", "\xff\xfe\xfd", "\x80", "[1]: 2", "{a: 1}: 2", "!!python/object/apply:os.system [ls]", "!x 1", "!!int yes", "!!str [a]",
		"<<: 1", "a: 1\n---\nb: 2", "*unknown", "!!omap [{a: 1, b: 2}]", "'open", "\t- a", "!!bool maybe", "@x",
	} {
		if got, err := DecodeYAML([]byte(text)); !errors.Is(err, ErrNotYAML) {
			t.Errorf("%q is %v, %v; want ErrNotYAML", text, got, err)
		}
	}
}

func TestYAMLBombsAndHugeFilesAreRefused(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		p := "*" + string(c-1) + ","
		laughs += string(c) + ": &" + string(c) + " [" + strings.Repeat(p, 10) + "]\n"
	}
	merges := "a0: &a0 {x: 1, y: 2}\n"
	for i := '1'; i <= '9'; i++ {
		p := "*a" + string(i-1) + ","
		merges += "a" + string(i) + ": &a" + string(i) + " {<<: [" + strings.Repeat(p, 10) + "]}\n"
	}
	for name, text := range map[string]string{
		"aliases of aliases":       laughs,
		"merges of merges":         merges,
		"a list that holds itself": "&a [*a]",
		"a merge with itself":      "&a {<<: *a}",
		"deep flow":                strings.Repeat("[", 1002) + strings.Repeat("]", 1002),
		"a great many nodes":       "[" + strings.Repeat("1,", 20*MaxYAMLNodes) + "]",
		"many nodes":               "[" + strings.Repeat("1,", MaxYAMLNodes) + "]",
	} {
		if _, err := DecodeYAML([]byte(text)); !errors.Is(err, ErrYAMLBomb) || !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want ErrYAMLBomb", name, err)
		}
	}
	if _, err := DecodeYAML(bytes.Repeat([]byte("a"), MaxYAMLBytes+1)); !errors.Is(err, ErrYAMLTooLarge) {
		t.Errorf("a huge file: %v", err)
	}
	if _, err := DecodeYAML([]byte("inputs: '[" + strings.Repeat(`{"a": 1}, `, 100_000) + "]'")); err != nil {
		t.Errorf("text that holds much JSON: %v", err)
	}
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	if _, err := DecodeYAML([]byte(deep)); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
}

func TestDoublesAreWrittenAsPythonDoes(t *testing.T) {
	for want, f := range map[string]float64{"5.0": 5, "1e+16": 1e16, "1000000000000000.0": 1e15, "1e-05": 1e-5, "0.0001": 1e-4, "5e-324": 5e-324, "0.3333333333333333": 1.0 / 3, "-0.5": -0.5, "1.7976931348623157e+308": 1.7976931348623157e308} {
		if got := Double(f); got != Number(want) {
			t.Errorf("%g is written %v, want %s", f, got, want)
		}
	}
}

// FuzzDecodeYAML: no input makes it panic, and what it gives can be written as
// JSON and read again without loss.
func FuzzDecodeYAML(f *testing.F) {
	for _, name := range yamlCorpus(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeYAML(data)
		if err != nil {
			if !errors.Is(err, ErrNotYAML) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		text := JSON{}.Append(nil, v)
		again, err := DecodeStrict(string(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !bytes.Equal(JSON{}.Append(nil, again), text) {
			t.Fatalf("%s\nis read back as\n%s", text, JSON{}.Append(nil, again))
		}
	})
}
