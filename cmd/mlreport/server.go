package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/fetch/cloud"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// interactivePatience is how long a person waits for the first answer of a
// server; a batch has all retries.
const interactivePatience = 10 * time.Second

// openServer makes a client for a tracking server. What the manifest does not
// say is taken from the variables that MLflow's own client reads.
func (s *session) openServer(at address, h hostSpec, log *slog.Logger) (*store, error) {
	o := s.serverOptions(at, h, log)
	o.Username, o.Password, o.Token, o.CredentialsFrom = h.Auth.Username, h.Auth.Password, h.Auth.Token, "the manifest"
	o.Workspace = h.Workspace
	if err := s.fillFromEnv(&o, at.uri, h); err != nil {
		return nil, err
	}
	if err := s.signForAWS(&o, h); err != nil {
		return nil, err
	}
	c, err := rest.NewClient(o)
	if err != nil {
		return nil, err
	}
	closeClient := func() error { c.Close(); return nil }
	return &store{source: rest.NewReader(c, log), artifacts: s.artifactsOf(h, artifact.Options{Proxy: rest.NewArtifacts(c)}), client: c, close: closeClient}, nil
}

// ownServer tells whether the variables of the environment are about this
// server: credentials never go to another one that a manifest names.
func (s *session) ownServer(uri string, h hostSpec) bool {
	return h.fromEnv || sameServer(uri, s.get("MLFLOW_TRACKING_URI")) || sameServer(uri, s.get("MLFLOW_REGISTRY_URI"))
}

// sameServer tells whether two addresses are spellings of one.
func sameServer(a, b string) bool {
	x, err := url.Parse(a)
	y, err2 := url.Parse(b)
	return err == nil && err2 == nil && x.Host != "" && strings.EqualFold(x.Host, y.Host) && strings.EqualFold(x.Scheme, y.Scheme) &&
		strings.Trim(x.Path, "/") == strings.Trim(y.Path, "/")
}

func (s *session) addressFrom(at address, h hostSpec) string {
	switch {
	case at.from != "":
		return at.from
	case sameServer(at.uri, s.get("MLFLOW_TRACKING_URI")):
		return "MLFLOW_TRACKING_URI"
	}
	return fmt.Sprintf("host %q of the manifest", h.Name)
}

func (s *session) fillFromEnv(o *rest.Options, uri string, h hostSpec) error {
	if s.ownServer(uri, h) {
		if err := s.fillCredentials(o, uri, h.Auth.SigV4); err != nil {
			return err
		}
		if o.Workspace == "" {
			o.Workspace = s.get("MLFLOW_WORKSPACE")
		}
		if !o.InsecureTLS && o.CAFile == "" {
			o.InsecureTLS = s.isSet("MLFLOW_TRACKING_INSECURE_TLS")
			o.CAFile = s.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
		}
		if o.ClientCertFile == "" {
			o.ClientCertFile = s.get("MLFLOW_TRACKING_CLIENT_CERT_PATH")
		}
	}
	return s.fillLimits(o)
}

// fillLimits reads what holds for all servers.
func (s *session) fillLimits(o *rest.Options) error {
	if o.CAFile == "" && !o.InsecureTLS {
		o.CAFile = s.get("REQUESTS_CA_BUNDLE")
	}
	if s.cli.Timeout > 0 {
		o.Timeout = s.cli.Timeout
	}
	if s.cli.Patience == "interactive" || s.cli.Patience == "auto" && s.Terminal {
		o.Patience = interactivePatience
	}
	return s.fillRetries(o)
}

func (s *session) fillCredentials(o *rest.Options, uri string, sigv4 bool) error {
	if o.Username != "" || o.Password != "" || o.Token != "" || sigv4 {
		return nil
	}
	if err := s.refuseOtherLogins(); err != nil {
		return err
	}
	from := rest.CredentialSources{
		Username: s.get("MLFLOW_TRACKING_USERNAME"), Password: s.get("MLFLOW_TRACKING_PASSWORD"), Token: s.get("MLFLOW_TRACKING_TOKEN"),
		File: s.homeFile(".mlflow", "credentials"), Netrc: s.homeFile(".netrc"),
	}
	if name := s.get("NETRC"); name != "" {
		from.Netrc, from.NetrcName = readIfThere(name), name
	}
	c := from.For(uri)
	o.Username, o.Password, o.Token, o.CredentialsFrom = c.Username, c.Password, c.Token, c.From
	return nil
}

// refuseOtherLogins refuses the ways to log in that MLflow's client has and
// this program has not: without them, the server would answer as to a stranger.
func (s *session) refuseOtherLogins() error {
	const hint = "unset it, and log in with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or with MLFLOW_TRACKING_TOKEN"
	if s.get("MLFLOW_TRACKING_AUTH") != "" && !s.isSet("MLFLOW_TRACKING_AWS_SIGV4") { // which wins, as in MLflow
		return &mlflow.Error{Err: errUsage{notServed("MLFLOW_TRACKING_AUTH (login plugins)", "")}, Hint: hint}
	}
	return nil
}

// signForAWS makes the client sign its requests, where the manifest says so or,
// of the environment's own server, MLFLOW_TRACKING_AWS_SIGV4. As in MLflow, the
// signature takes the place of what else the environment has to log in with.
func (s *session) signForAWS(o *rest.Options, h hostSpec) error {
	a := h.Auth
	given := a.Username != "" || a.Token != ""
	from := "the manifest"
	switch {
	case a.SigV4:
	case !given && s.ownServer(o.TrackingURI, h) && s.isSet("MLFLOW_TRACKING_AWS_SIGV4"):
		from = "MLFLOW_TRACKING_AWS_SIGV4"
	default:
		return nil
	}
	sign, err := cloud.NewSigner(cloud.Signing{Profile: a.Profile, Region: a.Region, Now: s.Now})
	if err != nil {
		return &mlflow.Error{Op: "signing for AWS (" + from + ")", Err: errUsage{err}, Hint: mlflow.Hint(err)}
	}
	o.Authenticate, o.CredentialsFrom, o.LoginHint = sign, from+", signed for AWS", cloud.SigningHint()
	return nil
}

// isSet reads a variable that is true or false, as MLflow does.
func (e *env) isSet(name string) bool {
	v := strings.ToLower(e.get(name))
	return v == "true" || v == "1"
}

func (s *session) homeFile(parts ...string) []byte {
	if s.Home == "" {
		return nil
	}
	return readIfThere(filepath.Join(append([]string{s.Home}, parts...)...))
}

// readIfThere reads a file that need not be there, and not more of it than
// such a file can have.
func readIfThere(name string) []byte {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}

// fillRetries reads MLflow's variables about time-outs and retries.
func (s *session) fillRetries(o *rest.Options) error {
	if v := s.get("MLFLOW_HTTP_REQUEST_TIMEOUT"); v != "" && o.Timeout == 0 {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || n <= 0 {
			return envError("MLFLOW_HTTP_REQUEST_TIMEOUT", "a number of seconds")
		}
		o.Timeout = time.Duration(n * float64(time.Second))
	}
	if v := s.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return envError("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "a whole number from 0")
		}
		o.MaxRetries = n
		if n == 0 {
			o.MaxRetries = -1 // none; 0 is the default
		}
	}
	if v := s.get("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"); v != "" {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || n < 0 {
			return envError("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "a number of seconds")
		}
		o.BackoffFactor = n
	}
	return nil
}

func envError(name, what string) error {
	return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is not %s", name, what)}, Hint: "unset it, or give " + what}
}
