package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const proxyRoot = "/api/2.0/mlflow-artifacts/artifacts"

// Artifacts reads `mlflow-artifacts:` locations through the server's proxy
// (`/api/2.0/mlflow-artifacts/artifacts`). A location that names a host is
// served only if that is the server itself.
type Artifacts struct{ c *Client }

// NewArtifacts makes the artifact side of a client.
func NewArtifacts(c *Client) *Artifacts { return &Artifacts{c} }

// ReadFile reads one file. Its Stamp has the server's ETag, if it gives one
// (3.x does for files on its own disk; it does not look at If-None-Match, so
// that only the body is spared).
func (a *Artifacts) ReadFile(ctx context.Context, at fetch.Location, file string, limit int64, since fetch.Stamp) (fetch.File, error) {
	folder, err := a.folder(at)
	if err != nil {
		return fetch.File{}, err
	}
	full, err := a.below(folder, file)
	if err == nil && misread(file) {
		err = a.problem(0, mlflow.ErrUnsupported, "%s would take the name %q for another one", a.c.clean(file))
	}
	if err != nil {
		return fetch.File{}, err
	}
	q := call{method: http.MethodGet, name: "the file " + full, url: a.c.address(proxyRoot+"/"+escapePath(full), nil),
		limit: limit, since: since.ETag, once500: true, noPage: path.Ext(file) != ".html"}
	got, err := a.c.do(ctx, q)
	if unclear(err) {
		got, err = a.decide(ctx, q, full, err)
	}
	if err != nil {
		return fetch.File{}, err
	}
	if got.unchanged {
		return fetch.File{Unchanged: true, Stamp: since}, nil
	}
	return fetch.File{Data: got.body, Stamp: fetch.Stamp{ETag: got.header.Get("ETag")}}, nil
}

// isPage tells whether an answer is a page for people, such as a login page:
// it must not be taken for the file.
func isPage(a answer) bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && bytes.HasPrefix(bytes.TrimLeft(a.body, "\ufeff \t\r\n"), []byte("<"))
}

// unclear tells whether an error may mean that there is no such file: servers
// before 3.17 answer 500 for that, and all of them 400 or worse for a folder.
func unclear(err error) bool {
	var e *APIError
	if !errors.As(err, &e) || errors.Is(err, mlflow.ErrNotFound) {
		return false
	}
	return e.Status == http.StatusInternalServerError || e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound
}

// decide finds out, by one listing of its folder, what an unclear answer about
// a file meant.
func (a *Artifacts) decide(ctx context.Context, q call, full string, unclear error) (answer, error) {
	var e *APIError
	errors.As(unclear, &e)
	again := q
	again.once500 = false
	entries, err := a.entries(ctx, path.Dir(full))
	switch {
	case ctx.Err() != nil:
		return answer{}, err
	case err != nil && e.Status == http.StatusInternalServerError:
		return a.c.do(ctx, again)
	case err != nil:
		return answer{}, unclear
	}
	for _, f := range entries {
		switch {
		case f.Path != path.Base(full):
		case f.Dir:
			return answer{}, a.problem(e.Status, mlflow.ErrNotFound, "%s has no file %s, but a folder", full)
		case e.Status == http.StatusInternalServerError:
			return a.c.do(ctx, again)
		default:
			return answer{}, a.problem(e.Status, mlflow.ErrUnsupported, "%s lists the file %s, but does not serve it", full)
		}
	}
	return answer{}, a.problem(e.Status, mlflow.ErrNotFound, "%s has no file %s", full)
}

func (a *Artifacts) problem(status int, kind error, format, what string) error {
	return &mlflow.Error{Err: &APIError{Status: status, Tries: 1, kind: kind, text: fmt.Sprintf(format, a.c.who, what)}}
}

// folder is the path of a location below the proxy's root.
func (a *Artifacts) folder(at fetch.Location) (string, error) {
	p, ok := a.proxied(at.URI)
	if !ok {
		return "", &mlflow.Error{
			Err:  a.problem(0, mlflow.ErrUnsupported, "%s does not serve %s", a.c.clean(withoutUser(at.URI))),
			Hint: "map the location to a folder: `artifact-roots:` of the host in the manifest",
		}
	}
	return a.below("", p)
}

// proxied is the path of a location on this server. What stands in an
// `mlflow-artifacts:` location is taken as it is, `%`, `?` and `#` included:
// MLflow puts names into it without encoding them.
func (a *Artifacts) proxied(uri string) (string, bool) {
	if rest, ok := strings.CutPrefix(uri, "mlflow-artifacts:"); ok {
		authority, found := strings.CutPrefix(rest, "//")
		if !found {
			return rest, strings.HasPrefix(rest, "/")
		}
		host, p, _ := strings.Cut(authority, "/")
		return p, host == "" || sameHost(host, a.c.base)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != a.c.base.Scheme || u.RawQuery != "" || !sameHost(u.Host, a.c.base) {
		return "", false
	}
	p, ok := strings.CutPrefix(u.Path+"/", a.c.base.Path+proxyRoot+"/")
	return p, ok
}

// withoutUser takes user info and query out of a URI for a message.
func withoutUser(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	scheme, rest, ok := strings.Cut(uri, "//")
	if !ok {
		return uri
	}
	host, p, _ := strings.Cut(rest, "/")
	return scheme + "//" + host[strings.LastIndexByte(host, '@')+1:] + "/" + p
}

// sameHost tells whether the authority that a location names is the server's.
// As in MLflow's client a missing port is the scheme's own, not the server's.
func sameHost(authority string, base *url.URL) bool {
	u := url.URL{Scheme: base.Scheme, Host: authority[strings.LastIndexByte(authority, '@')+1:]}
	return hostPort(&u) == hostPort(base)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// below joins a path that data names to a folder.
func (a *Artifacts) below(folder, p string) (string, error) {
	if slices.Contains(strings.Split(p, "/"), "..") {
		return "", a.problem(0, mlflow.ErrOutside, "%s is not asked for %q, which leads out of its folder", a.c.clean(p))
	}
	return strings.TrimPrefix(path.Join("/", folder, p), "/"), nil
}

// misread tells whether a server would take a name for another one: it decodes
// a path again and again, so that `a%20b` would give the file `a b`, and drops
// a question mark at the end.
func misread(name string) bool {
	plain, err := url.PathUnescape(name)
	return err == nil && plain != name || strings.HasSuffix(name, "?")
}

// escapePath encodes each segment once.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
