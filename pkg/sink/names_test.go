package sink

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestNamesBecomeSegmentsThatEverySystemCarries(t *testing.T) {
	for name, want := range map[string]string{
		"Sklearn_Wine":       "Sklearn_Wine",
		"a b-c.d+e@f,(g)":    "a b-c.d+e@f,(g)",
		"x#y&z=1!'":          "x#y&z=1!'",
		"Übung nach 東京":      "Übung nach 東京",
		"":                   "%",
		".":                  "%2E",
		"..":                 "%2E%2E",
		"../../etc/x":        "%2E.%2F..%2Fetc%2Fx",
		`C:\x`:               "C%3A%5Cx",
		".hidden":            "%2Ehidden",
		"ends.":              "ends%2E",
		"ends..":             "ends.%2E",
		"  a  ":              "%20%20a%20%20",
		" ":                  "%20",
		"CON":                "%43ON",
		"con.txt":            "%63on.txt",
		"Nul .tar.gz":        "%4Eul .tar.gz",
		"com1":               "%63om1",
		"LPT9.x":             "%4CPT9.x",
		"COM":                "COM",
		"com10":              "com10",
		"console":            "console",
		"50%":                "50%25",
		"a~b":                "a%7Eb",
		"what?*<>|\":":       "what%3F%2A%3C%3E%7C%22%3A",
		"$HOME;`x`":          "%24HOME%3B%60x%60",
		"nul\x00line\nfeed":  "nul%00line%0Afeed",
		"left\u200eright":    "left%E2%80%8Eright",
		"\u202egpj.exe":      "%E2%80%AEgpj.exe",
		"zero\u200bwidth":    "zero%E2%80%8Bwidth",
		"filler\u3164":       "filler%E3%85%A4",
		"heart\u2764\ufe0f":  "heart%E2%9D%A4%EF%B8%8F",
		"no\u00a0break":      "no%C2%A0break",
		"\U0001f600":         "%F0%9F%98%80",
		"caf\xe9":            "caf%E9",
		"\ufffd":             "%EF%BF%BD",
		"e\u0301":            "e\u0301",
		"\ufeffbom":          "%EF%BB%BFbom",
		"fullwidth\uff0fdot": "fullwidth%EF%BC%8Fdot",
	} {
		got := Encode(name)
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		if back, err := Decode(got); err != nil || back != name {
			t.Errorf("%q comes back as %q: %v", name, back, err)
		}
	}
}

func TestLongNamesAreCutAndStayApart(t *testing.T) {
	for _, char := range []string{"a", "é", "東", "😀", "/", "a😀"} {
		long := strings.Repeat(char, 400)
		a, b := Encode(long), Encode(long+"x")
		if a == b || len(a) > 200 || !utf8.ValidString(a) || !strings.HasPrefix(Encode(char+char), a[:len(Encode(char))]) {
			t.Errorf("%q and %q", a, b)
		}
		if _, err := Decode(a); !errors.Is(err, ErrNotReversible) {
			t.Errorf("%q: %v", a, err)
		}
		if i := strings.LastIndexByte(a, '%'); i >= 0 && strings.IndexByte(a, '~') < i+3 {
			t.Errorf("%q is cut within %%XX", a)
		}
	}
	if s := strings.Repeat("a", 200); Encode(s) != s {
		t.Error("200 bytes are cut")
	}
	if got, want := Encode(strings.Repeat("a", 201)), strings.Repeat("a", 150)+"~"; !strings.HasPrefix(got, want) || len(got) != 167 {
		t.Error(got)
	}
}

func TestSegmentsThatNobodyMadeAreRefused(t *testing.T) {
	for _, s := range []string{"a%", "a%2", "a%zz", "a%-1", "a~", "a~1", "a~1234567G", "a~12345678~"} {
		if name, err := Decode(s); err == nil {
			t.Errorf("%q is %q", s, name)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("models/a b")
	f.Fuzz(func(t *testing.T, name string) {
		s := Encode(name)
		checkSegment(t, s)
		back, err := Decode(s)
		if errors.Is(err, ErrNotReversible) {
			if len(name) <= 50 {
				t.Fatalf("%q was cut", name)
			}
			return
		}
		if err != nil || back != name {
			t.Fatalf("%q became %q and came back as %q: %v", name, s, back, err)
		}
	})
}

// checkSegment fails when s cannot be a file on some system.
func checkSegment(t *testing.T, s string) {
	t.Helper()
	base, _, _ := strings.Cut(s, ".")
	switch {
	case s == "" || len(s) > 240 || !filepath.IsLocal(s) || !utf8.ValidString(s):
		t.Fatalf("%q is no segment", s)
	case s[0] == '.' || strings.ContainsAny(s[:1]+s[len(s)-1:], " ") || s[len(s)-1] == '.':
		t.Fatalf("%q has an edge that gets lost", s)
	case strings.ContainsAny(s, "/\\:*?\"<>|\x00"):
		t.Fatalf("%q has a character that Windows does not take", s)
	case isDevice(s) || isDevice(norm.NFKC.String(base)):
		t.Fatalf("%q is a device", s)
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			t.Fatalf("%q cannot be seen", s)
		}
	}
}
