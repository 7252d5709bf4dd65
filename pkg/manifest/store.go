package manifest

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// store reads the URI of a tracking store or a registry: a server, a SQLite
// database or an mlruns folder. source is the same as it was before it was
// made absolute, and without what may be secret.
func (p *parser) store(f field) (uri, source string) {
	t, ok := p.text(f)
	if !ok || !p.noPassword(t) {
		return "", ""
	}
	v := t.value()
	uri = v
	switch scheme := mlflow.SchemeOf(v); {
	case isServer(scheme):
		p.checkServer(t, true)
	case scheme == "sqlite" || strings.HasPrefix(scheme, "sqlite+"):
		uri = p.sqlite(t)
	case mlflow.IsDatabaseServer(scheme) && !isLaterStore(scheme):
		p.checkDatabase(t)
	case isDatabricks(v):
		p.checkDatabricks(t)
	case v == "uc" || isLaterStore(scheme):
		p.notServed(f.node, fmt.Sprintf("%s: a store of the kind %s", f.key, t.kind(scheme)),
			"give the address of an MLflow server in front of it, as https://host; of stores themselves, Databricks (databricks, databricks-uc), databases (SQLite, PostgreSQL, MySQL) and mlruns folders are read")
	case scheme == "" || scheme == "file":
		uri = p.local(t)
	case isNumber(v[len(scheme)+1:]):
		p.wrong(f.node, fmt.Sprintf("%s: %s has no scheme", f.key, t.shown()), "write http:// or https:// before it")
	default:
		p.wrong(f.node, fmt.Sprintf("%s: %s names no kind of store that MLflow has", f.key, t.shown()), "write https://host, sqlite:///mlflow.db, postgresql://host/mlflow or ./mlruns")
	}
	return uri, mlflow.Redact(v)
}

// kind is the kind of a store for a message.
func (t text) kind(scheme string) string {
	if t.isFilled() {
		return "that " + t.shown() + " stands for"
	}
	if scheme == "" {
		scheme = t.value()
	}
	return scheme
}

func isServer(scheme string) bool { return scheme == "http" || scheme == "https" }

func isLaterStore(scheme string) bool {
	dialect, _, _ := strings.Cut(scheme, "+")
	switch dialect {
	case "mssql", "oracle", "uc":
		return true
	}
	return false
}

// checkServer checks the address of a server.
func (p *parser) checkServer(t text, login bool) {
	u, err := url.Parse(t.value())
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		p.wrong(t.node, fmt.Sprintf("%s: %s is not the address of a server", t.key, t.shown()), "write https://host or http://host:5000")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		p.wrong(t.node, fmt.Sprintf("%s: %s has a `?` or a `#` in it", t.key, t.shown()), "leave out what follows")
	case u.User != nil && !login:
		p.wrong(t.node, t.key+" must not hold a user name", "")
	}
}

// checkDatabricks checks `databricks`, `databricks-uc`, or one of them with a
// profile.
func (p *parser) checkDatabricks(t text) {
	v := t.value()
	kind, profile, ok := strings.Cut(v, "://")
	switch {
	case v == "databricks" || v == "databricks-uc":
	case !ok || strings.Contains(kind, ":") || strings.Trim(profile, "/") == "" || strings.ContainsAny(profile, "/?#@: "):
		p.wrong(t.node, fmt.Sprintf("%s: %s names no profile of Databricks", t.key, t.shown()),
			"write databricks or databricks-uc, or one of them with a profile of ~/.databrickscfg: databricks://PROFILE; the address of the workspace stands in the profile, in DATABRICKS_HOST or in `auth: {host: ...}`")
	}
}

// checkDatabase checks the address of a database server.
func (p *parser) checkDatabase(t text) {
	d, ok := mlflow.ParseDatabaseURI(t.value())
	switch {
	case !ok:
		p.wrong(t.node, fmt.Sprintf("%s: %s is not the address of a database", t.key, t.shown()),
			"write postgresql://user@host:5432/database; in a user name and a password, write @ : / and % as %40 %3A %2F and %25")
	case d.Options.Has("password") || d.Options.Has("passwd") || d.Options.Has("sslpassword"):
		p.wrong(t.node, t.key+" has a password among its options", "write it before the host: postgresql://user:${file:password}@host/database")
	}
}

// noPassword refuses a password that stands in clear in a URL.
func (p *parser) noPassword(t text) bool {
	v := t.value()
	start, end := mlflow.UserInfo(v)
	colon := start + strings.IndexByte(v[start:end], ':')
	if colon < start || colon+1 >= end || t.only(colon+1, end, fromOutside) {
		return true
	}
	p.wrong(t.node, t.key+" has a password in clear in it", fillHint)
	return false
}

// sqlite makes the path in a `sqlite:///` URI absolute.
func (p *parser) sqlite(t text) string {
	v := t.value()
	head, db, ok := strings.Cut(v, ":///")
	file, query, hasQuery := strings.Cut(db, "?")
	switch {
	case !ok:
		p.wrong(t.node, fmt.Sprintf("%s: %s needs three slashes before its path", t.key, t.shown()), "write sqlite:///mlflow.db, or sqlite:////folder/mlflow.db for an absolute path")
		return v
	case file == "" || strings.HasPrefix(file, ":memory:"):
		p.wrong(t.node, fmt.Sprintf("%s: %s names no database file", t.key, t.shown()), "")
		return v
	case isAbs(file) || !p.isHere(t, len(head)+len(":///"), file):
		return v
	}
	uri := head + ":///" + path.Join(filepath.ToSlash(p.options.Dir), file)
	if hasQuery {
		uri += "?" + query
	}
	return uri
}

// local makes a bare path or a `file:` URI absolute.
func (p *parser) local(t text) string {
	v := t.value()
	local, ok := mlflow.LocalPath(v)
	scheme := mlflow.SchemeOf(v)
	switch {
	case !ok || strings.ContainsRune(local, 0):
		p.wrong(t.node, fmt.Sprintf("%s: %s names no path", t.key, t.shown()), "")
	case scheme == "" && looksLikeHost(v):
		p.wrong(t.node, fmt.Sprintf("%s: %s has no scheme", t.key, t.shown()), "write http:// or https:// before it, or ./ before a path")
	case !p.noHome(t, v):
	case scheme == "file" && strings.HasPrefix(local, "//."):
		p.wrong(t.node, fmt.Sprintf("%s: %s has a relative path behind two slashes", t.key, t.shown()), "write file:./folder or ./folder")
	case isAbs(local):
	case scheme == "" && p.isHere(t, 0, v):
		return path.Join(escaped(filepath.ToSlash(p.options.Dir), "%"), filepath.ToSlash(v))
	case scheme == "file" && p.isHere(t, len("file:"), v[len("file:"):]):
		dir := escaped(filepath.ToSlash(p.options.Dir), "%?#")
		return "file:///" + strings.TrimLeft(path.Join(dir, v[len("file:"):]), "/")
	}
	return v
}

// isHere tells whether a relative path is relative to the manifest: it is, but
// for one that comes from an environment variable as a whole.
func (p *parser) isHere(t text, start int, path string) bool {
	return p.options.Dir != "" && !t.only(start, start+len(path), fromEnvironment)
}

// noHome refuses `~/`, which only a shell understands.
func (p *parser) noHome(t text, path string) bool {
	if path == "~" || strings.HasPrefix(path, "~/") {
		p.wrong(t.node, fmt.Sprintf("%s: `~` in %s has no meaning here", t.key, t.shown()), "write ${env:HOME}")
		return false
	}
	return true
}

// file reads the path of a file of this machine, which is no URI.
func (p *parser) file(f field) string {
	t, ok := p.text(f)
	v := t.value()
	if !ok || !p.noHome(t, v) || !p.isHere(t, 0, v) {
		return v
	}
	return p.inDir(v)
}

// artifactRoots reads a mapping from locations to folders.
func (p *parser) artifactRoots(f field) map[string]string {
	roots := map[string]string{}
	for _, pair := range p.pairs(f, "a mapping from locations to folders") {
		n, ok := p.look(pair.value)
		if !ok {
			break
		}
		prefix := pair.key.Value
		if strings.TrimSpace(prefix) == "" || strings.Contains(prefix, "${") {
			p.wrong(pair.key, fmt.Sprintf("%q is not the beginning of a location", short(prefix)), "write it as MLflow stores it, such as mlflow-artifacts:/ or file:///C:/Users/x/mlruns")
			continue
		}
		if t, ok := p.text(field{"the artifact root", n}); ok {
			roots[prefix] = p.folder(t)
		}
	}
	return roots
}

// folder is the plain path of a local folder, or the location of one in an
// object store.
func (p *parser) folder(t text) string {
	local, ok := mlflow.LocalPath(t.value())
	scheme := mlflow.SchemeOf(t.value())
	switch {
	case ok && p.noHome(t, local):
		if scheme == "" && p.isHere(t, 0, t.value()) || scheme == "file" && p.isHere(t, len("file:"), t.value()[len("file:"):]) {
			return p.inDir(local)
		}
		return filepath.FromSlash(local)
	case !ok && mlflow.IsObjectStore(scheme):
		if p.noPassword(t) {
			return t.value()
		}
	case !ok && isBucket(scheme):
		p.notServed(t.node, fmt.Sprintf("%s: a store of the kind %s", t.key, t.kind(scheme)), "write the path of a folder")
	case !ok:
		p.wrong(t.node, fmt.Sprintf("%s: %s is not a folder", t.key, t.shown()), "write the path of a folder")
	}
	return ""
}

// isBucket names the kinds of artifact stores that MLflow knows beside local
// folders and its own servers.
func isBucket(scheme string) bool {
	switch scheme {
	case "s3", "gs", "r2", "b2", "wasb", "wasbs", "abfs", "abfss", "dbfs", "hdfs", "viewfs", "ftp", "sftp":
		return true
	}
	return false
}

// webAddress reads the address of MLflow's web interface.
func (p *parser) webAddress(f field) string {
	t, ok := p.text(f)
	if !ok || !p.noPassword(t) {
		return ""
	}
	if isServer(mlflow.SchemeOf(t.value())) {
		p.checkServer(t, false)
	} else {
		p.wrong(f.node, fmt.Sprintf("%s: %s is not a web address", f.key, t.shown()), "write https://host")
	}
	return t.value()
}

// isAbs tells whether a path is absolute on any system.
func isAbs(p string) bool {
	return strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\`) || mlflow.HasDrive(p) || filepath.IsAbs(p)
}

// looksLikeHost tells `10.0.0.1:5000` from a path.
func looksLikeHost(v string) bool {
	host, port, ok := strings.Cut(v, ":")
	port, _, _ = strings.Cut(port, "/")
	return ok && len(host) > 1 && !strings.ContainsAny(host, `/\`) && isNumber(port)
}

// isNumber tells whether a port follows, and perhaps a path.
func isNumber(s string) bool {
	s, _, _ = strings.Cut(s, "/")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// escaped percent-encodes some characters of a path.
func escaped(s, chars string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(chars, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// redacted hides what may be secret in a URL that a message is to show: its
// user info, and its query, where tokens stand.
func redacted(s string) string {
	start, end := mlflow.UserInfo(s)
	shown := s[end:]
	if strings.Contains(s, "://") || isServer(mlflow.SchemeOf(s)) {
		if at, _, ok := strings.Cut(shown, "?"); ok {
			shown = at + "?..."
		}
	}
	if end == 0 {
		return shown
	}
	return s[:start] + "..." + shown
}
