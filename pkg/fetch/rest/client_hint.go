package rest

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// hint says what a user can do about an answer, or "".
func (c *Client) hint(q call, a answer, code, message string, kind error) string {
	switch {
	case a.status == http.StatusUnauthorized:
		return c.hint401(a)
	case a.status == http.StatusForbidden && strings.Contains(message, "Invalid Host header"):
		return "the server answers only to host names it was told: use one of them, or start it with --allowed-hosts"
	case a.status == http.StatusForbidden && c.opts.LoginHint != "" && strings.Contains(message, "access token"): // Databricks
		return c.opts.LoginHint
	case a.status == http.StatusForbidden && c.opts.LoginHint != "" && code == "": // a gateway: MLflow and Databricks name what is wrong
		return c.opts.LoginHint
	case a.status == http.StatusForbidden && c.authorization == "" && c.opts.Authenticate == nil:
		return logIn + "; with a login that is refused, ask the server's administrator for " + permissionFor(q.name)
	case a.status == http.StatusForbidden:
		return "ask the server's administrator for " + permissionFor(q.name)
	case a.status == http.StatusProxyAuthRequired:
		return "the HTTP proxy wants a user name and a password: put them into HTTP_PROXY or HTTPS_PROXY"
	case a.status == http.StatusTooManyRequests:
		return "ask less at once: `limits: {in-flight: 2, requests-per-second: 5}` of the host in the manifest"
	case a.status == http.StatusBadRequest && wantsTLS(message):
		return "write https:// instead of http://"
	case switchedOff(message):
		return "the server was started without this part of its service"
	case errors.Is(kind, mlflow.ErrUnsupported) && a.status == http.StatusNotFound && code == "":
		return "an older MLflow, or no MLflow, answers there; is a path prefix missing, as in https://host/mlflow? curl " + c.Base() + "/version shows what does"
	case errors.Is(kind, mlflow.ErrUnavailable):
		return "see the server's log; what was not read now is read by the next run"
	}
	return ""
}

// permissionFor names the permission that a call takes, in the words of
// MLflow's basic-auth: runs, logged models and files belong to an experiment.
func permissionFor(call string) string {
	for _, of := range []struct{ part, permission string }{
		{"registered-models/", "the permission READ on the registered model"},
		{"model-versions/", "the permission READ on the registered model"},
		{"experiments/", "the permission READ on the experiment"},
		{"runs/", "the permission READ on the run's experiment"},
		{"logged-models/", "the permission READ on the logged model's experiment"},
		{"artifacts", "the permission READ on the experiment (of a version: on its registered model, too)"},
	} {
		if strings.Contains(call, of.part) {
			return of.permission
		}
	}
	return "the permission to read it"
}

// logIn is what to do without credentials.
const logIn = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest"

// notThere is what to do about a server that does not answer.
func (c *Client) notThere() string {
	return "start the server, or correct the address; curl " + c.Base() + "/health shows what answers there"
}

// notSignedIn is what to do about a page where data should be.
func (c *Client) notSignedIn() string {
	return "a login page or another program answers there: open " + c.Base() + " in a browser to see it; programs sign in with MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
}

func (c *Client) hint401(a answer) string {
	scheme, _, _ := strings.Cut(a.header.Get("WWW-Authenticate"), " ")
	switch {
	case c.opts.LoginHint != "":
		return c.opts.LoginHint
	case c.authorization == "":
		return logIn
	case strings.EqualFold(scheme, "Basic") && strings.HasPrefix(c.authorization, "Bearer "):
		return "the server wants a user name and a password, not a token: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
	}
	return "check the credentials: the server knows no such user, or the password or token is wrong or too old"
}
