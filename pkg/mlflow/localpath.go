package mlflow

import "strings"

// SchemeOf is the scheme of a URI in lower case, or "" for a path. The letter
// of a Windows drive (`C:\x`, `C:/x`) is never a scheme.
func SchemeOf(uri string) string {
	scheme, _, ok := strings.Cut(uri, ":")
	if !ok || len(scheme) < 2 || !isLetter(scheme[0]) {
		return ""
	}
	for _, c := range []byte(scheme) {
		if !isLetter(c) && (c < '0' || c > '9') && !strings.ContainsRune("+-.", rune(c)) {
			return ""
		}
	}
	return strings.ToLower(scheme)
}

// LocalPath reads the location of a local file as MLflow does: a bare path, or
// a `file:` URI in any of the spellings that MLflow wrote over the years
// (`file:///a`, `file:/a`, `file://localhost/a`, `file:C:/x`, `file:///D:/x`,
// `file:x`). Both are percent-decoded; the `?` or `#` of a `file:` URI ends
// its path. The slashes of a Windows path are turned: `C:\x` gives `C:/x`, a
// share gives `//server/share/x`. ok is false for any other kind of URI.
//
// The path may be relative, and need not make sense on this machine.
func LocalPath(uri string) (path string, ok bool) {
	switch SchemeOf(uri) {
	case "":
		path = unescape(uri)
	case "file":
		path = bareDrive(unescape(filePath(uri[len("file:"):])))
	default:
		return "", false
	}
	if HasDrive(path) || strings.HasPrefix(path, `\\`) {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	return path, path != ""
}

// HasDrive tells whether a path begins with the letter of a Windows drive.
func HasDrive(path string) bool {
	return len(path) >= 2 && path[1] == ':' && isLetter(path[0])
}

// filePath is the path in what follows `file:`.
func filePath(rest string) string {
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	host, found := strings.CutPrefix(rest, "//")
	if found {
		name, path, _ := strings.Cut(host, "/")
		switch {
		case HasDrive(name) || strings.HasPrefix(name, `\`): // file://C:/x
			rest = host
		case name == "" || strings.EqualFold(name, "localhost"):
			rest = "/" + path
		default:
			rest = "//" + name + "/" + path
		}
	}
	return rest
}

// bareDrive takes the slashes off a Windows path: `/C:/x`, or `/C|/x` as
// Netscape wrote it.
func bareDrive(path string) string {
	bare := strings.TrimLeft(path, "/")
	switch {
	case HasDrive(bare):
		return bare
	case bare != path && len(bare) > 1 && isLetter(bare[0]) && bare[1] == '|':
		return bare[:1] + ":" + bare[2:]
	}
	return path
}

// unescape decodes %XX; what is no such code stays, as in Python's unquote.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) < 16 && unhex(s[i+2]) < 16 {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// unhex is the value of a hex digit, or 255.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return (c | 0x20) - 'a' + 10
	}
	return 255
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// IsObjectStore tells whether a scheme is that of a store of objects in which
// MLflow keeps artifacts: Amazon's S3 and what speaks its protocol, Google
// Cloud Storage, Azure Storage.
func IsObjectStore(scheme string) bool {
	switch scheme {
	case "s3", "s3a", "gs", "wasb", "wasbs", "abfs", "abfss":
		return true
	}
	return false
}
