package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrNotReversible says that a path segment was cut, so that the name behind
// it is in index.json only.
var ErrNotReversible = errors.New("a name that was cut")

const (
	maxSegment = 200 // bytes of a path segment, before a twin's suffix
	cutSegment = 150 // what is left of a longer one, before its hash
	cutHash    = 16  // hex digits behind the `~` of a segment that was cut
	twinHash   = 8   // hex digits behind the `~` of a twin
)

// Encode makes one path segment of a name, the same on every system: letters,
// digits, marks, blanks and `_-.+@,()#&=!'` stay; every other byte, `%`, `~`,
// a leading dot, leading and trailing blanks, a trailing dot, invisible and
// direction marks, and the first letter of a Windows device name become %XX.
// A segment above 200 bytes is cut and ends in `~` and a hash of the name.
// The empty name becomes `%`. The result is never `.` or `..`, has no slash,
// backslash or NUL, and does not begin with a dot.
func Encode(name string) string { return encode(name, isDevice(name)) }

// encode is Encode; first says whether the first letter, which is ASCII, must
// become %XX.
func encode(name string, first bool) string {
	if name == "" {
		return "%"
	}
	lead := len(name) - len(strings.TrimLeft(name, " "))
	trail := len(strings.TrimRight(name, " "))
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		edge := first && i == 0 || r == '.' && (i == 0 || i == len(name)-1) || r == ' ' && (i < lead || i >= trail)
		if edge || !stays(r) || r == utf8.RuneError && n == 1 {
			for _, c := range []byte(name[i : i+n]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteString(name[i : i+n])
		}
		i += n
	}
	return shorten(b.String(), name)
}

// stays tells whether a rune stands in a path segment as it is.
func stays(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(" _-.+@,()#&=!'", r)
	}
	// Some letters and marks are not to be seen, such as Hangul fillers and variation selectors.
	return unicode.In(r, unicode.L, unicode.Nd, unicode.M) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func shorten(segment, name string) string {
	if len(segment) <= maxSegment {
		return segment
	}
	cut := cutSegment
	for !utf8.RuneStart(segment[cut]) {
		cut--
	}
	if i := strings.LastIndexByte(segment[:cut], '%'); i > cut-3 { // not within %XX
		cut = i
	}
	return segment[:cut] + "~" + hash(name)[:cutHash]
}

func hash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// isDevice tells whether Windows takes a name for a device, as it does with
// any ending too: CON, con.txt, `nul .tar.gz`.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(base) == 4 && (base[:3] == "COM" || base[:3] == "LPT") && base[3] >= '0' && base[3] <= '9'
}

// Decode gives the name back that Encode, or Places for a twin, made a segment
// of. A segment that was cut gives ErrNotReversible.
func Decode(segment string) (string, error) {
	if segment == "%" {
		return "", nil
	}
	segment, suffix, marked := strings.Cut(segment, "~")
	if marked && len(suffix) == cutHash {
		return "", ErrNotReversible
	}
	if marked && (len(suffix) < twinHash || strings.Trim(suffix, "0123456789abcdef") != "") {
		return "", fmt.Errorf("path segment %q: not a hash behind ~", segment+"~"+suffix)
	}
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		if segment[i] != '%' {
			b.WriteByte(segment[i])
			continue
		}
		c, err := hex.DecodeString(segment[i+1 : min(i+3, len(segment))])
		if err != nil || len(c) != 1 {
			return "", fmt.Errorf("path segment %q: not a byte behind %%", segment)
		}
		b.Write(c)
		i += 2
	}
	return b.String(), nil
}
