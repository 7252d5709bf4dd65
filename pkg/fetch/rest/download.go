package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Download is one file that is read with GET, or another call that gives
// bytes.
type Download struct {
	Path    string            // below the server's address, percent-encoded, with its query
	Name    string            // in messages, without secrets, such as `the file MLmodel`
	Headers map[string]string // of this request only
	Limit   int64             // bytes
}

// Download reads a file whole. A 404 is ErrNotFound, whoever answers it. The
// headers of an answer are returned beside an error, too.
func (c *Client) Download(ctx context.Context, d Download) ([]byte, http.Header, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, name: d.Name, url: c.base.String() + d.Path, limit: d.Limit, headers: d.Headers, file: true})
	return a.body, a.header, err
}

// SplitSigned cuts a URL that a server handed out, such as one of cloud
// storage with a signature in its query, into the address of a Client for its
// host and the Download's path. plain allows http.
func SplitSigned(signed string, plain bool) (base, path string, err error) {
	u, err := url.Parse(signed)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return "", "", mlflow.Reason(mlflow.ErrUnavailable, "the server handed out a URL that cannot be used") // it may hold a secret
	case u.Scheme != "https" && (u.Scheme != "http" || !plain):
		return "", "", mlflow.Reason(mlflow.ErrUnavailable, "the server handed out a URL that is not https")
	}
	path = u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return u.Scheme + "://" + u.Host, path, nil
}
