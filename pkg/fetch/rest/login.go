package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A loginError says that no credentials could be had for a request.
type loginError struct{ err error }

func (e *loginError) Error() string { return "logging in: " + e.err.Error() }

// logIn adds the credentials to a request.
func (c *Client) logIn(ctx context.Context, req *http.Request) error {
	if c.opts.Authenticate == nil {
		if c.authorization != "" {
			req.Header.Set("Authorization", c.authorization)
		}
		return nil
	}
	if err := c.opts.Authenticate(ctx, req); err != nil {
		return &loginError{err}
	}
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		c.token.Store(token)
	}
	return nil
}

// notLoggedIn judges a try that was not sent for want of credentials.
func (c *Client) notLoggedIn(q call, err error) *failure {
	kind := mlflow.ErrDenied
	if errors.Is(err, mlflow.ErrUnavailable) {
		kind = mlflow.ErrUnavailable
	}
	hint := mlflow.Hint(err)
	if hint == "" {
		hint = c.opts.LoginHint
	}
	f := c.fail(kind, 0, err.Error(), hint, "was not asked for %s, because logging in failed", q.name)
	f.again = kind == mlflow.ErrUnavailable
	return f
}
