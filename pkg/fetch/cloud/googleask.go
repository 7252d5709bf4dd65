//go:build !nocloud

package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// googleTries is how often a request is sent that may yet succeed, with waits
// of up to 1, 2, 4 and 8 s, as
// https://cloud.google.com/storage/docs/retry-strategy advises.
const googleTries = 5

// A googleError is an answer that is none of the good ones.
type googleError struct {
	status  int
	message string
}

func (e *googleError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("status %d", e.status)
	}
	return fmt.Sprintf("%s (status %d)", e.message, e.status)
}

// ask sends a request until it has an answer that trying again cannot better.
func (g *googleBucket) ask(ctx context.Context, path string) (*http.Response, error) {
	for wait := time.Second; ; wait *= 2 {
		response, again, err := g.askOnce(ctx, path)
		if err == nil || !again || wait >= time.Second<<(googleTries-1) {
			return response, err
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2)) //nolint:gosec // no secret
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// askOnce tells whether to ask again.
func (g *googleBucket) askOnce(ctx context.Context, path string) (*http.Response, bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+path, nil)
	if err != nil {
		return nil, false, err
	}
	response, err := g.http.Do(request)
	if err != nil {
		status, _ := g.explain(err)
		return nil, status == 0 && ctx.Err() == nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, false, nil
	}
	defer func() { _ = response.Body.Close() }() // what it says was read
	status := response.StatusCode
	again := status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	return nil, again, &googleError{status, messageOf(response.Body)}
}

// messageOf is the message of an error's body: one line, or none.
func messageOf(body io.Reader) string {
	const most = 64 << 10
	data, _ := io.ReadAll(io.LimitReader(body, most))
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(data, &answer) != nil {
		return "" // plain words, of a read of a file's bytes: the status says the same
	}
	return answer.Error.Message
}
