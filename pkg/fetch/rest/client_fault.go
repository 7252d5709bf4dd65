package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A failure is why one try gave no good answer.
type failure struct {
	err    error // as the caller will see it
	status int   // of HTTP; 0: no complete answer
	again  bool  // another try may help
	page   bool  // a page for people came instead of data
	absent bool  // nobody answered, or a gateway did for a server that is not there or has too much to do
	after  time.Duration
}

func (f *failure) error() error {
	if f == nil {
		return nil
	}
	return f.err
}

// fail makes the failure of a try without a usable answer.
func (c *Client) fail(kind error, status int, message, hint, format string, args ...any) *failure {
	e := &APIError{Status: status, Message: c.clean(message), Tries: 1, kind: kind}
	e.text = c.who + " " + fmt.Sprintf(format, args...)
	if e.Message != "" {
		e.text += ": " + e.Message
	}
	return &failure{err: &mlflow.Error{Err: e, Hint: hint}, status: status}
}

// A redirectError says that the server sent the client elsewhere, or (to is
// empty) from one address to the next.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return "redirect to " + e.to }

// fault judges the error of a try that got no answer.
func (c *Client) fault(ctx context.Context, q call, err error) *failure {
	if ctx.Err() != nil {
		return &failure{err: c.endedError(q, ctx.Err())}
	}
	c.counts.add(func(s *Stats) { s.Faults++ })
	const alert = "remote error: tls:" // what the other side says of our handshake
	var redirect *redirectError
	var login *loginError
	var proxy *proxyError
	switch {
	case errors.As(err, &login):
		return c.notLoggedIn(q, login.err)
	case errors.As(err, &redirect) && redirect.to == "":
		return c.fail(mlflow.ErrUnavailable, 0, "", "", "answers %s with a redirect that leads nowhere", q.name)
	case errors.As(err, &redirect):
		return c.fail(mlflow.ErrUnavailable, 0, "", "a login page or another program answers at this address; if that is where MLflow is, write the new address",
			"sends %s to another address, which is not followed: %s", q.name, redirect.to)
	case errors.As(err, &proxy):
		return c.fault407(q, proxy)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return c.fail(mlflow.ErrUnavailable, 0, err.Error(), "name the CA's certificate with MLFLOW_TRACKING_SERVER_CERT_PATH (`tls: {ca}` of the host in the manifest)", "cannot be trusted")
	case errors.As(err, new(tls.RecordHeaderError)):
		return c.fail(mlflow.ErrUnavailable, 0, "", "write http:// instead of https://", "does not speak TLS")
	case strings.Contains(err.Error(), alert):
		// Whether it came while reading or writing makes no difference to anybody.
		_, why, _ := strings.Cut(err.Error(), alert)
		return c.fail(mlflow.ErrUnavailable, 0, alert+why, "does it want a client certificate? name it with MLFLOW_TRACKING_CLIENT_CERT_PATH (`tls: {client-cert}` of the host in the manifest)", "refused the TLS connection")
	}
	f := c.fail(mlflow.ErrUnavailable, 0, c.plain(err), c.notThere(), "does not answer")
	f.again, f.absent = true, true
	return f
}

func (c *Client) fault407(q call, proxy *proxyError) *failure {
	if proxy.status != http.StatusProxyAuthRequired {
		f := c.fail(mlflow.ErrUnavailable, 0, fmt.Sprintf("the HTTP proxy answered %d", proxy.status), "see HTTPS_PROXY and NO_PROXY", "cannot be reached")
		f.again, f.absent = true, true
		return f
	}
	return c.fail(mlflow.ErrDenied, 0, "the HTTP proxy wants credentials (407)", "put user name and password into HTTPS_PROXY", "cannot be reached for %s", q.name)
}

// plain is the text of a fault, without the words of a context that is not the
// caller's.
func (c *Client) plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the time limit of one request is over"
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return "no such host: " + dns.Name
	}
	if errors.Is(err, io.EOF) {
		return "it closed the connection"
	}
	return err.Error()
}

// brokenBody judges an answer that began well and was not read to its end.
func (c *Client) brokenBody(ctx context.Context, q call, status int, err error) *failure {
	switch {
	case ctx.Err() != nil:
		return &failure{err: c.endedError(q, ctx.Err())}
	case errors.Is(err, mlflow.ErrTooLarge):
		return c.fail(mlflow.ErrTooLarge, status, "", "", "answered %s with more than %d bytes", q.name, q.limit)
	}
	c.counts.add(func(s *Stats) { s.Faults++ })
	f := c.fail(mlflow.ErrUnavailable, 0, c.plain(err), "does a proxy between here and the server cut answers?", "cut its answer to %s short", q.name)
	f.again = true
	return f
}

// notJSON judges a 200 that holds no object.
func (c *Client) notJSON(q call, a answer, err error) *failure {
	if text := bytes.TrimLeft(a.body, "\ufeff \t\r\n"); bytes.HasPrefix(text, []byte("<")) || strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		return c.notMLflow(q, a)
	}
	if errors.Is(err, mlflow.ErrDepth) {
		return c.fail(mlflow.ErrTooLarge, a.status, "", "", "answered %s with JSON that is %v", q.name, err)
	}
	c.counts.add(func(s *Stats) { s.Faults++ })
	f := c.fail(mlflow.ErrUnavailable, 0, "", "does a proxy between here and the server cut or change answers?", "answered %s with broken JSON", q.name)
	f.again = true
	return f
}

// notMLflow judges a 200 that another program gave. A gateway that does so once
// in a while is asked again; a login page stays what it is.
func (c *Client) notMLflow(q call, a answer) *failure {
	c.counts.add(func(s *Stats) { s.Faults++ })
	f := c.fail(mlflow.ErrUnavailable, a.status, textOf(a.body), c.notSignedIn(),
		"answered %s with a page instead of data", q.name)
	f.again, f.page = true, true
	return f
}
