package artifact

import (
	"path"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// share is the anchor of the shares of other hosts (`\\server\x`), of which
// this package never opens one.
const share = "//"

// maxPath is how long a location may be, in bytes; no system has longer ones.
const maxPath = 8192

// A where is a location, taken apart: two locations that mean the same are
// equal in anchor and segments.
type where struct {
	anchor string   // `/`, `C:/`, share, "" of a relative path, `mlflow-artifacts://host/`
	segs   []string // no `.`, no `..`, nothing empty
	local  bool
	scheme string
}

// spellings reads a location, in the ways it may be meant, the likeliest
// first. There are none when it cannot be the location of a file at all.
func spellings(uri string) []where {
	if len(uri) > maxPath {
		return nil
	}
	if p, ok := mlflow.LocalPath(uri); ok {
		list := []where{localWhere(p)}
		if strings.Contains(p, `\`) { // written on Windows, relative: `mlruns\0\ab12`
			list = append(list, localWhere(strings.ReplaceAll(p, `\`, "/")))
		}
		return list
	}
	scheme := mlflow.SchemeOf(uri)
	if scheme == "" || scheme == "file" {
		return nil
	}
	rest := uri[len(scheme)+1:]
	host := ""
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		host, rest, _ = strings.Cut(authority, "/")
	}
	at := where{anchor: scheme + "://" + strings.ToLower(host) + "/", scheme: scheme}
	at.segs = segments("/" + rest)
	list := []where{at}
	if decoded, _ := mlflow.LocalPath("file:///" + rest); strings.Contains(rest, "%") {
		at.segs = segments("/" + decoded)
		list = append(list, at)
	}
	return list
}

func localWhere(p string) where {
	w := where{local: true}
	switch {
	case mlflow.HasDrive(p):
		w.anchor, p = strings.ToUpper(p[:1])+":/", "/"+p[2:]
	case strings.HasPrefix(p, "//") && hasShares:
		w.anchor = share
	case strings.HasPrefix(p, "/"):
		w.anchor = "/"
	}
	w.segs = segments(p)
	return w
}

// segments cuts a path; `..` that leads above its beginning is dropped.
func segments(p string) []string {
	var segs []string
	for s := range strings.SplitSeq(path.Clean(p), "/") {
		if s != "" && s != "." && s != ".." {
			segs = append(segs, s)
		}
	}
	return segs
}

// below cuts the prefix off w.
func (w where) below(prefix where) (rel string, ok bool) {
	if w.anchor != prefix.anchor || len(w.segs) < len(prefix.segs) {
		return "", false
	}
	for i, s := range prefix.segs {
		if !sameName(s, w.segs[i]) {
			return "", false
		}
	}
	return path.Join(w.segs[len(prefix.segs):]...), true
}
