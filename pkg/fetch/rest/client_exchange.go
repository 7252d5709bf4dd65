package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	errorBody    = 64 << 10 // bytes read of an answer that is no success
	maxRedirects = 5

	largeBody = 4 << 20 // bytes of an answer of which not many are read at once
)

// A call is one question to the server.
type call struct {
	method   string
	name     string // in messages, such as `runs/get`
	url      string
	body     []byte
	json     bool   // the answer is an object
	limit    int64  // bytes of a good answer
	since    string // an ETag: the answer may be 304
	once500  bool   // an answer of 500 is not asked for again
	noPage   bool   // a page for people is no answer
	anywhere bool   // sent without the workspace header, before it is known

	headers map[string]string // of this call only
	file    bool              // the answer is a file: 404 means that there is none
}

// An answer was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	object *mlflow.Object // of a JSON call

	unchanged bool // since call.since
}

// do asks until there is a final answer, within the limits of the client.
func (c *Client) do(ctx context.Context, q call) (answer, error) {
	if err := c.findWorkspace(ctx, q); err != nil {
		return answer{}, err
	}
	r := c.newRetries()
	for {
		why, again := c.breaker.admit(c.opts.Now())
		if why != nil {
			return answer{}, c.notAsked(q, why)
		}
		began := c.opts.Now()
		a, f := c.try(ctx, q, r)
		if f == nil || !f.again {
			c.settled(f)
			return a, f.error()
		}
		wait, more := r.next(c.opts.Now(), f.after)
		if !again || !more || f.page && r.onlyPages(c.breaker.seen() > 0) {
			return answer{}, c.gaveUp(q, r, f)
		}
		if err := c.pause(ctx, q, f, began, wait); err != nil {
			return answer{}, c.endedError(q, err)
		}
	}
}

// settled notes an answer that no other try would change.
func (c *Client) settled(f *failure) {
	if f == nil || f.status != 0 && f.status < http.StatusInternalServerError {
		c.breaker.good()
		c.lane.fine()
	}
}

// gaveUp makes the error of a call whose tries are used up.
func (c *Client) gaveUp(q call, r *retries, f *failure) error {
	var e *APIError
	if errors.As(f.err, &e) {
		e.Tries = r.tries
	}
	c.breaker.exhausted(r.goods, f, c.opts.Now())
	if r.tries > 1 {
		c.opts.Log.Warn("gave up", "call", q.name, "tries", r.tries, "error", f.err)
	}
	return f.err
}

// notAsked is the error of a call that was not sent because the breaker is open.
func (c *Client) notAsked(q call, why *failure) error {
	e := &APIError{kind: mlflow.ErrUnavailable}
	reason := "does not answer"
	var before *APIError
	if errors.As(why.err, &before) {
		e.Status, e.Code, e.Message = before.Status, before.Code, before.Message
	}
	if e.Status != 0 {
		reason = fmt.Sprintf("answered %d before", e.Status)
	}
	e.text = fmt.Sprintf("%s %s, and was not asked for %s", c.who, reason, q.name)
	if e.Message != "" {
		e.text += ": " + e.Message
	}
	return &mlflow.Error{Err: e, Hint: mlflow.Hint(why.err)}
}

// pause waits before the next try of a call.
func (c *Client) pause(ctx context.Context, q call, f *failure, began time.Time, wait time.Duration) error {
	c.counts.add(func(s *Stats) { s.Retries++ })
	c.opts.Log.Debug("trying again", "call", q.name, "wait", wait, "error", f.err)
	if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
		c.lane.tooMuch(began, min(f.after, wait))
	}
	return c.opts.Sleep(ctx, wait)
}

// endedError says that the caller's context ended.
func (c *Client) endedError(q call, err error) error {
	return fmt.Errorf("asking %s for %s: %w", c.who, q.name, err)
}

// try asks once. It never returns both an answer and a failure that another
// try could change.
func (c *Client) try(ctx context.Context, q call, r *retries) (a answer, f *failure) {
	if err := c.lane.enter(ctx); err != nil {
		return answer{}, &failure{err: c.endedError(q, err)}
	}
	defer c.lane.leave()
	defer c.tell(ctx, q, &a, &f, c.opts.Now())
	r.tries++
	c.counts.add(func(s *Stats) { s.Requests++ })
	within, cancel := context.WithTimeout(ctx, r.timeout(c.opts))
	defer cancel()
	resp, err := c.send(within, q)
	if err != nil {
		return answer{}, c.fault(ctx, q, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or given up
	a = answer{status: resp.StatusCode, header: resp.Header}
	if q.since != "" && (a.status == http.StatusNotModified || success(a.status) && a.header.Get("ETag") == q.since) {
		c.contacted.Store(true)
		c.counts.answered(a.status, 0)
		a.unchanged = true
		return a, nil
	}
	limit := q.limit
	if !success(a.status) {
		limit = errorBody
	}
	a.body, err = c.readBody(within, resp, limit)
	c.counts.answered(a.status, int64(len(a.body)))
	if err != nil && success(a.status) {
		return answer{}, c.brokenBody(ctx, q, a.status, err)
	}
	f = c.examine(q, &a)
	if f == nil || !f.absent {
		c.contacted.Store(true)
	}
	return a, f
}

func success(status int) bool {
	return status >= 200 && status < 300 || status == http.StatusNotModified
}

// examine tells what is wrong with an answer, if anything, and reads its JSON.
func (c *Client) examine(q call, a *answer) *failure {
	if !success(a.status) {
		f := c.judge(q, *a)
		f.again = f.again && !(q.once500 && a.status == http.StatusInternalServerError)
		return f
	}
	if !q.json {
		if q.noPage && isPage(*a) {
			return c.notMLflow(q, *a)
		}
		return nil
	}
	var err error
	if a.object, err = mlflow.DecodeJSON(a.body); err != nil {
		a.object, err = decodePython(a.body, err)
	}
	if err != nil {
		return c.notJSON(q, *a, err)
	}
	return nil
}

// send sends one request and follows redirects within the same server. The
// method stays what it is: all calls are reads.
func (c *Client) send(ctx context.Context, q call) (*http.Response, error) {
	address := q.url
	for range maxRedirects {
		req, err := c.request(ctx, q, address)
		if err != nil {
			return nil, err
		}
		resp, err := c.http.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if !slices.Contains([]int{301, 302, 307, 308}, resp.StatusCode) || q.file && resp.Header.Get("Location") == "" { // S3 says where a bucket is by other headers
			return resp, nil
		}
		to, err := c.redirect(req.URL, resp)
		resp.Body.Close() //nolint:errcheck,gosec // not read
		if err != nil {
			return nil, err
		}
		address = to.String()
	}
	return nil, &redirectError{}
}

func (c *Client) request(ctx context.Context, q call, address string) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, body)
	if err != nil {
		return nil, err
	}
	for name, value := range c.opts.Headers {
		req.Header.Set(name, value)
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
		}
	}
	req.Header.Set("User-Agent", c.opts.UserAgent)
	for name, value := range q.headers {
		req.Header.Set(name, value)
	}
	if q.json {
		req.Header.Set("Accept", "application/json")
	}
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.since != "" {
		req.Header.Set("If-None-Match", q.since)
	}
	if !q.anywhere && c.workspaces.header() {
		req.Header.Set("X-MLFLOW-WORKSPACE", c.opts.Workspace)
	}
	return req, c.logIn(ctx, req) // last: a signature is over all headers
}

// redirect is where an answer sends the client to, if it may go there: the
// same server, or the same host with https instead of http.
func (c *Client) redirect(from *url.URL, resp *http.Response) (*url.URL, error) {
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, &redirectError{}
	}
	same := to.Scheme == from.Scheme && to.Host == from.Host
	safer := from.Scheme == "http" && to.Scheme == "https" && to.Hostname() == from.Hostname() && from.Port() == "" && to.Port() == ""
	if to.User != nil || !same && !safer {
		return nil, &redirectError{to: (&url.URL{Scheme: to.Scheme, Host: to.Host}).String()}
	}
	return to, nil
}

// readBody reads an answer, at most limit bytes. Large answers are read one at
// a time: a server that sends without end takes the memory of one.
func (c *Client) readBody(ctx context.Context, resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, mlflow.ErrTooLarge
	}
	var b bytes.Buffer
	if resp.ContentLength > 0 {
		b.Grow(int(min(resp.ContentLength, 1<<20)) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(resp.Body, min(limit+1, largeBody)))
	if err == nil && b.Len() == largeBody {
		select {
		case c.large <- struct{}{}:
			defer func() { <-c.large }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		_, err = b.ReadFrom(io.LimitReader(resp.Body, limit+1-largeBody))
	}
	if int64(b.Len()) > limit {
		b.Truncate(int(limit))
		return b.Bytes(), mlflow.ErrTooLarge
	}
	return b.Bytes(), err
}
