// Package rest reads MLflow tracking servers, 1.30 to 3.x, over their REST API.
//
// Client is the HTTP side: addresses, credentials, TLS, limits, retries and
// errors. Reader is fetch.Source on top of it, Artifacts reads files through
// the server's `mlflow-artifacts` proxy.
//
// It must never send a request to a host that only data names, never write to
// a server, and never put a secret into an error or a log line.
package rest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Options say which server is asked, and how. Only TrackingURI must be set.
type Options struct {
	TrackingURI string // base address, http or https, perhaps with a path prefix and user info
	AddressFrom string // where the address came from, such as `MLFLOW_TRACKING_URI`; for messages

	// User info in TrackingURI wins, then Username with Password (Basic), then
	// Token (Bearer). See CredentialSources for what MLflow's client looks at.
	Username, Password, Token string
	CredentialsFrom           string // such as `~/.mlflow/credentials`; for messages

	// Authenticate, when set, replaces all of these: it adds to each try's
	// request the headers that log in, such as a token that is renewed. Its
	// error ends the call; one that wraps mlflow.ErrUnavailable is tried again.
	Authenticate func(ctx context.Context, r *http.Request) error
	LoginHint    string // what a user may do whom the server does not know (401); default: about MLflow's variables

	Headers   map[string]string // sent with every request; their values count as secrets
	Workspace string            // of MLflow 3; "" and `default` are the default one
	UserAgent string            // default `mlreport`

	InsecureTLS    bool                                  // no check of the server's certificate
	CAFile         string                                // PEM bundle, or a folder of them, instead of the system's
	ClientCertFile string                                // PEM with certificate and key
	Proxy          func(*http.Request) (*url.URL, error) // such as http.ProxyFromEnvironment; nil: none

	InFlight          int           // requests at once; default 8
	RequestsPerSecond float64       // 0: no limit
	Timeout           time.Duration // of one try, answer included; default 120 s
	MaxRetries        int           // after the first try; default 7, at most 10, negative: none
	BackoffFactor     float64       // seconds, doubled with every retry; default 2
	Patience          time.Duration // how long a call may take in all until the server gave its first answer; 0: as long as the retries last
	MaxBody           int64         // bytes of one JSON answer; default 64 MB

	Log   *slog.Logger                               // debug and warn; nil: none
	Now   func() time.Time                           // default time.Now; it must go on while Sleep waits
	Sleep func(context.Context, time.Duration) error // default: a timer; returns early with the error of an ended context
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Client asks one MLflow server. It is safe for concurrent use; all that use
// one server should share one Client, because limits and retries are its own.
//
// Errors are *mlflow.Error with a hint where one helps; an *APIError below
// tells the HTTP status. When the caller's context ended, they wrap its error.
type Client struct {
	opts          Options
	base          *url.URL // without user info, query and final slash
	who           string   // the server in messages
	authorization string
	redact        *strings.Replacer
	token         atomic.Value // a string: what Authenticate sent last
	http          *http.Transport
	lane          *lane
	large         chan struct{} // holds the one who reads a large answer
	breaker       breaker
	workspaces    workspaces
	contacted     atomic.Bool
	counts        counts
}

// NewClient checks options and reads the certificate files; it sends nothing.
func NewClient(o Options) (*Client, error) {
	o = o.withDefaults()
	base, login, err := splitAddress(o)
	if err != nil {
		return nil, err
	}
	if err := checkHeaders(o.Headers, login); err != nil {
		return nil, err
	}
	tlsConfig, err := newTLSConfig(o)
	if err != nil {
		return nil, err
	}
	return &Client{
		opts:          o,
		base:          base,
		who:           describeHost(base, o.AddressFrom, login),
		authorization: login.header(),
		redact:        redactor(o.Headers, login),
		http:          newTransport(o, base, tlsConfig),
		lane:          newLane(o),
		large:         make(chan struct{}, 1),
	}, nil
}

func (o Options) withDefaults() Options {
	setDefault(&o.UserAgent, "mlreport")
	setDefault(&o.InFlight, 8)
	setDefault(&o.Timeout, 120*time.Second)
	setDefault(&o.MaxRetries, 7)
	o.MaxRetries = min(max(o.MaxRetries, 0), 10)
	setDefault(&o.BackoffFactor, 2)
	setDefault(&o.MaxBody, 64<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func setDefault[V comparable](v *V, to V) {
	var zero V
	if *v == zero {
		*v = to
	}
}

// Base is the address of the server, without user info and final slash.
func (c *Client) Base() string { return c.base.String() }

// Now is the time by the clock of Options.
func (c *Client) Now() time.Time { return c.opts.Now() }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get asks for path below `{base}/api/2.0/mlflow/`, or below `{base}` when it
// begins with a slash. What data stands in path must be percent-encoded
// (url.PathEscape). Names for q are MLflow's field names; a repeated field
// repeats its key.
func (c *Client) Get(ctx context.Context, path string, q url.Values) (*mlflow.Object, error) {
	a, err := c.do(ctx, call{method: http.MethodGet, name: path, url: c.address(path, q), json: true, limit: c.opts.MaxBody})
	return a.object, err
}

// Post sends body as JSON; path is as with Get. Posts are searches: like any
// other request they are tried again after a fault.
func (c *Client) Post(ctx context.Context, path string, body *mlflow.Object) (*mlflow.Object, error) {
	a, err := c.do(ctx, call{method: http.MethodPost, name: path, url: c.address(path, nil), json: true, limit: c.opts.MaxBody,
		body: mlflow.JSON{}.Append(nil, body)})
	return a.object, err
}

// GraphQL sends a query to `{base}/graphql` (MLflow 3) and returns the member
// `data` of the answer. When the answer has `errors`, the error is an
// *APIError with the message of the first, wrapping mlflow.ErrInvalid; `data`
// is returned all the same if there is any. variables may be nil.
func (c *Client) GraphQL(ctx context.Context, query string, variables *mlflow.Object) (*mlflow.Object, error) {
	body := mlflow.NewObject(mlflow.Member{Key: "query", Value: query})
	if variables != nil {
		body.Set("variables", variables)
	}
	answer, err := c.Post(ctx, "/graphql", body)
	if err != nil {
		return nil, err
	}
	for e := range answer.Objects("errors") {
		err = c.apiError(call{name: "/graphql"}, http.StatusOK, "", e.Text("message"), mlflow.ErrInvalid)
		break
	}
	return answer.Object("data"), err
}

// Version is the server's version, such as `3.17.2` (GET `{base}/version`), or
// "" when it has none to tell (MLflow 1.x).
func (c *Client) Version(ctx context.Context) (string, error) {
	q := call{method: http.MethodGet, name: "/version", url: c.address("/version", nil), limit: errorBody}
	a, err := c.do(ctx, q)
	if errors.Is(err, mlflow.ErrUnsupported) || errors.Is(err, mlflow.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	v := strings.TrimSpace(string(a.body))
	if v == "" || len(v) > 64 || v[0] < '0' || v[0] > '9' {
		return "", c.notMLflow(q, a).err
	}
	return v, nil
}

// address is the URL of path (see Get).
func (c *Client) address(path string, q url.Values) string {
	if !strings.HasPrefix(path, "/") {
		path = "/api/2.0/mlflow/" + path
	}
	a := c.base.String() + path
	if len(q) > 0 {
		a += "?" + q.Encode()
	}
	return a
}
