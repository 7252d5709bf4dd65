package rest

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// hint says what a user can do about an answer, or "".
func (c *Client) hint(a answer, code, message string, kind error) string {
	switch {
	case a.status == http.StatusUnauthorized:
		return c.hint401(a)
	case a.status == http.StatusForbidden && strings.Contains(message, "Invalid Host header"):
		return "the server answers only to host names it was told: use one of them, or start it with --allowed-hosts"
	case a.status == http.StatusForbidden:
		return "ask the server's administrator for the permission to read it"
	case a.status == http.StatusProxyAuthRequired:
		return "the HTTP proxy wants a user name and a password: put them into HTTP_PROXY or HTTPS_PROXY"
	case a.status == http.StatusTooManyRequests:
		return "ask less at once: `limits: {in-flight: 2, requests-per-second: 5}` of the host in the manifest"
	case a.status == http.StatusBadRequest && wantsTLS(message):
		return "write https:// instead of http://"
	case switchedOff(message):
		return "the server was started without this part of its service"
	case errors.Is(kind, mlflow.ErrUnsupported) && a.status == http.StatusNotFound && code == "":
		return "an older MLflow, or no MLflow, answers at this address; is a path prefix missing?"
	case errors.Is(kind, mlflow.ErrUnavailable):
		return "see the server's log; what was not read now is read by the next run"
	}
	return ""
}

func (c *Client) hint401(a answer) string {
	scheme, _, _ := strings.Cut(a.header.Get("WWW-Authenticate"), " ")
	switch {
	case c.authorization == "":
		return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest"
	case strings.EqualFold(scheme, "Basic") && strings.HasPrefix(c.authorization, "Bearer "):
		return "the server wants a user name and a password, not a token: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
	}
	return "check the credentials: the server knows no such user, or the password or token is wrong or too old"
}
