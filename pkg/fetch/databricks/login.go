package databricks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/config"
	"github.com/databricks/databricks-sdk-go/httpclient"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Login says how to get into a workspace. What is set goes together with
// nothing from elsewhere: a profile is read from its file as it is, and the
// environment counts only when Lookup is set.
type Login struct {
	Profile    string // section of the file; "" with Lookup: DATABRICKS_CONFIG_PROFILE, else DEFAULT
	ConfigFile string // default ~/.databrickscfg

	Host                   string // address of the workspace
	Token                  string // personal access token
	Username, Password     string
	ClientID, ClientSecret string // of a service principal: OAuth, machine to machine

	// Lookup reads variables of the environment, DATABRICKS_HOST and those of
	// the clouds' own logins; nil: none count.
	Lookup func(name string) string
}

// sdkSeconds bounds what the SDK takes to get a token: of one request, and of
// all tries.
const sdkSeconds = 30

// A session is a Login that was looked up: it names the workspace, and adds
// credentials to requests.
type session struct {
	cfg  *config.Config
	host string
	from string // where the credentials come from, for messages

	workspaceID string // as the address says it; "" when it does not

	mu sync.Mutex // the SDK makes its login once
}

// start reads variables and the file of profiles. It sends nothing.
func (l Login) start(o rest.Options) (*session, error) {
	tlsConfig, err := rest.TLSConfig(o)
	if err != nil {
		return nil, err
	}
	cfg := &config.Config{
		Profile: l.Profile, ConfigFile: l.ConfigFile,
		Host: l.Host, Token: l.Token, Username: l.Username, Password: l.Password, ClientID: l.ClientID, ClientSecret: l.ClientSecret,
		HTTPTimeoutSeconds: sdkSeconds, RetryTimeoutSeconds: sdkSeconds,
		HTTPTransport: &http.Transport{Proxy: o.Proxy, TLSClientConfig: tlsConfig, DialContext: o.Dial},
	}
	cfg.Loaders = []config.Loader{variables{l}, config.ConfigFile}
	if err := cfg.EnsureResolved(); err != nil {
		return nil, l.problem("cannot be used", err)
	}
	s := &session{cfg: cfg, workspaceID: workspaceIDOf(cfg.Host), from: l.from(cfg)}
	s.host = cfg.CanonicalHostName()
	if s.host == "" {
		return nil, &mlflow.Error{
			Err:  mlflow.Reason(mlflow.ErrInvalid, "no Databricks workspace is named: %s has no host", s.from),
			Hint: "set DATABRICKS_HOST, or `auth: {host: ...}` of the host in the manifest, or name a profile of ~/.databrickscfg: databricks://PROFILE",
		}
	}
	return s, nil
}

// given tells whether the login has credentials of its own.
func (l Login) given() bool { return l.Token != "" || l.ClientID != "" || l.Username != "" }

// from names where host and credentials come from.
func (l Login) from(cfg *config.Config) string {
	switch {
	case cfg.Profile != "":
		return "profile " + cfg.Profile
	case l.Host != "" || l.given():
		return "the manifest"
	case l.Lookup != nil && l.Lookup("DATABRICKS_HOST") != "":
		return "DATABRICKS_HOST"
	}
	return "the profile DEFAULT"
}

func (l Login) problem(what string, err error) error {
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrInvalid, "the login of Databricks %s: %s", what, firstSentence(err)),
		Hint: loginHint,
	}
}

const loginHint = "set DATABRICKS_HOST with DATABRICKS_TOKEN, or with DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or name a profile of ~/.databrickscfg (databricks://PROFILE), or see `auth:` of the host in the manifest"

// firstSentence is what an error of the SDK says, without its list of all
// settings.
func firstSentence(err error) string {
	text, _, _ := strings.Cut(err.Error(), ". Config: ")
	text, _, _ = strings.Cut(text, ". Env: ")
	for _, prefix := range []string{"resolve: ", "validate: ", "default auth: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text, _, _ = strings.Cut(text, ", please check https://")
	return text
}

// variables is the SDK's loader of environment variables, but with ours.
type variables struct{ login Login }

// Name implements config.Loader.
func (v variables) Name() string { return "environment" }

// Configure implements config.Loader.
func (v variables) Configure(cfg *config.Config) error {
	if v.login.Lookup == nil || v.login.Profile != "" {
		return nil
	}
	for _, a := range config.ConfigAttributes {
		if !a.IsZero(cfg) || a.HasAuthAttribute() && v.login.given() || a.Name == "profile" && v.login.Host != "" {
			continue
		}
		for _, name := range a.EnvVars {
			if value := v.login.Lookup(name); value != "" {
				if err := a.SetS(cfg, value); err != nil {
					return errors.New(name + " has a value of the wrong kind")
				}
				break
			}
		}
	}
	return nil
}

// authenticate adds credentials to a request. The SDK takes no context, so
// whoever has no time left does not wait for it.
func (s *session) authenticate(ctx context.Context, r *http.Request) error {
	alike := (&http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}).WithContext(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		done <- s.cfg.Authenticate(alike)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-done:
		if err != nil {
			return loginError(err)
		}
	}
	for name, values := range alike.Header {
		r.Header[name] = values
	}
	return nil
}

// loginError tells a login that was refused from one that was not answered, or
// only to say that the service is down.
func loginError(err error) error {
	kind := mlflow.ErrDenied
	var op *net.OpError
	var name *net.DNSError
	var timeout net.Error
	if isDown(err) {
		kind = mlflow.ErrUnavailable
	}
	if errors.As(err, &op) || errors.As(err, &name) || errors.As(err, &timeout) && timeout.Timeout() {
		kind = mlflow.ErrUnavailable
	}
	return &mlflow.Error{Err: mlflow.Reason(kind, "%s", firstSentence(err)), Hint: loginHint}
}

// isDown tells whether the service that hands out tokens said 429 or 5xx. The
// SDK has names for some of these, and shows the others as they came.
func isDown(err error) bool {
	for _, named := range []error{apierr.ErrTooManyRequests, apierr.ErrInternalError, apierr.ErrTemporarilyUnavailable, apierr.ErrDeadlineExceeded} {
		if errors.Is(err, named) {
			return true
		}
	}
	var answered *httpclient.HttpError
	return errors.As(err, &answered) && answered.Response != nil && answered.StatusCode >= http.StatusInternalServerError
}
