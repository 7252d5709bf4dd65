package rest

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"unicode"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// An APIError is why a server's answer, or its silence, gave no object. It
// wraps one of the sentinels of package mlflow: ErrInvalid for a question that
// the server refused (400), such as a filter it does not know.
type APIError struct {
	Status  int    // of HTTP; 0 when there was no answer, or none that came to its end
	Code    string // MLflow's `error_code`, such as INVALID_PARAMETER_VALUE; "" when the answer had none
	Message string // what the server or the network said, on one line, without secrets
	Tries   int    // how often it was asked

	kind error
	text string
}

// Error is a sentence with the server, where its address and credentials came
// from, what was asked and what it said.
func (e *APIError) Error() string {
	if e.Tries > 1 {
		return fmt.Sprintf("%s (tried %d times)", e.text, e.Tries)
	}
	return e.text
}

func (e *APIError) Unwrap() error { return e.kind }

func (c *Client) apiError(q call, status int, code, message string, kind error) *APIError {
	code, message = c.clean(code), c.clean(message)
	text := fmt.Sprintf("%s answered %d", c.who, status)
	if code != "" {
		text += " " + code
	}
	text += " to " + q.name
	if message != "" {
		text += ": " + message
	}
	return &APIError{Status: status, Code: code, Message: message, Tries: 1, kind: kind, text: text}
}

// judge says what is wrong with an answer that is not 2xx.
func (c *Client) judge(q call, a answer) *failure {
	code, message := errorOf(a)
	kind, again := classify(a.status, code, message)
	if q.file && a.status == http.StatusNotFound {
		kind = mlflow.ErrNotFound
	}
	return &failure{
		status: a.status,
		after:  retryAfter(a.header, c.opts.Now()),
		err:    &mlflow.Error{Err: c.apiError(q, a.status, code, message, kind), Hint: c.hint(q, a, code, message, kind)},
		again:  again,
		absent: again && a.status != http.StatusInternalServerError,
	}
}

// classify follows MLflow's table of codes; see also what its servers do in
// odd cases: an unknown alias is a 400, a switched-off endpoint a 503, a
// request line that is too long a 400 in HTML.
func classify(status int, code, message string) (kind error, again bool) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return mlflow.ErrDenied, false
	case http.StatusNotFound:
		if code == "" || code == "ENDPOINT_NOT_FOUND" || code == "FEATURE_DISABLED" {
			return mlflow.ErrUnsupported, false
		}
		return mlflow.ErrNotFound, false
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return mlflow.ErrUnsupported, false
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return mlflow.ErrTooLarge, false
	case http.StatusBadRequest:
		return classify400(code, message), false
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if code == "FEATURE_DISABLED" || switchedOff(message) {
			return mlflow.ErrUnsupported, false
		}
		return mlflow.ErrUnavailable, true
	}
	if status >= 500 || status < 400 {
		return mlflow.ErrUnavailable, false
	}
	return mlflow.ErrInvalid, false
}

// switchedOff tells whether a 503 comes from a server that was started without
// this part of its service, which trying again does not change.
func switchedOff(message string) bool {
	return strings.Contains(message, "disabled due to the mlflow server running") || // 2.x
		strings.HasPrefix(message, "Artifact serving is ") // disabled, or not configured: 3.x
}

// wantsTLS tells whether a 400 is what Go's servers and nginx say to plain HTTP
// on a port of HTTPS.
func wantsTLS(message string) bool {
	return strings.Contains(message, "HTTP request to an HTTPS server") || strings.Contains(message, "HTTP request was sent to HTTPS port")
}

func classify400(code, message string) error {
	switch {
	case code == "" && strings.Contains(message, "Request Line is too large"):
		return mlflow.ErrTooLarge
	case code == "" && wantsTLS(message):
		return mlflow.ErrUnavailable
	case code == "RESOURCE_DOES_NOT_EXIST",
		strings.HasPrefix(message, "Registered model alias ") && strings.Contains(message, "not found"):
		return mlflow.ErrNotFound
	}
	return mlflow.ErrInvalid
}

// errorOf reads MLflow's `{"error_code", "message"}`, FastAPI's `{"detail"}`,
// or the text of an HTML page.
func errorOf(a answer) (code, message string) {
	if o, err := mlflow.DecodeJSON(a.body); err == nil {
		code, message = o.Text("error_code"), o.Text("message")
		if message == "" {
			message = o.Text("detail")
		}
		return code, message
	}
	return "", textOf(a.body)
}

// textOf is what a page says, without its marks.
func textOf(body []byte) string {
	text := string(body[:min(len(body), errorBody)])
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(html.UnescapeString(before) + " ")
		if !found {
			break
		}
		tag, after, _ := strings.Cut(rest, ">")
		name, _, _ := strings.Cut(strings.ToLower(tag), " ")
		if name == "script" || name == "style" {
			_, after, _ = strings.Cut(after, "</"+tag[:len(name)])
			_, after, _ = strings.Cut(after, ">")
		}
		if name == "/title" {
			b.WriteString(". ")
		}
		text = after
	}
	return strings.TrimSpace(strings.ReplaceAll(strings.Join(strings.Fields(b.String()), " ")+" ", " . ", ". "))
}

const maxMessage = 300 // characters of what a server said

// clean makes text of others fit for a terminal and a log: one line, no
// secrets, not long.
func (c *Client) clean(s string) string {
	s = c.redact.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	if token, _ := c.token.Load().(string); token != "" {
		s = strings.ReplaceAll(s, token, "***")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage]) + "..."
	}
	return s
}
