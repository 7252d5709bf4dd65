package mlflowtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A Fault is something that goes wrong at a Fake. Of several, the first that a
// request meets counts. Set one of the kinds; without one the request is only
// held back (Until) or watched (Seen).
type Fault struct {
	// Which requests meet it; the zero value: all.
	Endpoint string                 // see FakeRequest
	If       func(FakeRequest) bool // must hold as well
	After    int                    // so many are served well before
	Times    int                    // then so many meet the fault; 0: all

	// What happens before the answer.
	Seen  func(n int)     // is called with the number of the request that meets the fault, from 1
	Until <-chan struct{} // the answer waits until this is closed, or the client goes away: slow

	// The kinds.
	Status     int    // such as 401, 403, 404, 429, 500, 503, with MLflow's JSON
	RetryAfter int    // seconds, a header beside Status
	LoginPage  bool   // 200, with a page of HTML
	CutShort   bool   // the answer ends in the middle
	NoAnswer   bool   // the connection is closed without one
	SameToken  bool   // a search's answers all have the same next_page_token
	NewTokens  bool   // a search's answers have no rows and always another next_page_token
	Body       string // 200, with this JSON

	met int
}

// Fail adds a fault.
func (f *Fake) Fail(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &fault)
}

// Heal removes all faults.
func (f *Fake) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// meets tells whether a request meets the fault; each is asked once.
func (t *Fault) meets(r FakeRequest) bool {
	if t.Endpoint != "" && t.Endpoint != r.Endpoint || t.If != nil && !t.If(r) {
		return false
	}
	t.met++
	n := t.met - t.After
	if n < 1 || t.Times > 0 && n > t.Times {
		return false
	}
	return true
}

// spoils does what happens instead of an answer.
func (t *Fault) spoils(w http.ResponseWriter, r *http.Request) bool {
	if t == nil {
		return false
	}
	if t.Seen != nil {
		t.Seen(t.met - t.After)
	}
	if t.Until != nil {
		select {
		case <-t.Until:
		case <-r.Context().Done():
		}
	}
	switch {
	case t.NoAnswer:
		panic(http.ErrAbortHandler)
	case t.LoginPage:
		write(w, fakeAnswer{200, "text/html; charset=utf-8", []byte("<!doctype html><html><head><title>Sign in</title></head><body><form action='/login'></form></body></html>")})
	case t.Status != 0:
		if t.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(t.RetryAfter))
		}
		write(w, t.refusal())
	case t.Body != "":
		write(w, fakeAnswer{200, "application/json", []byte(t.Body)})
	default:
		return false
	}
	return true
}

func (t *Fault) refusal() fakeAnswer {
	code := map[int]string{401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST", 429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE"}[t.Status]
	if code == "" {
		code = "INTERNAL_ERROR"
	}
	return fakeAnswer{t.Status, "application/json", mlflow.JSON{}.Append(nil, members("error_code", code, "message", "scripted by the test"))}
}

// send sends an answer, perhaps spoilt.
func (t *Fault) send(w http.ResponseWriter, a fakeAnswer) {
	if t == nil {
		write(w, a)
		return
	}
	if o, err := mlflow.DecodeJSON(a.body); err == nil && a.status == 200 && (t.SameToken || t.NewTokens) {
		token := "c2FtZQ=="
		if t.NewTokens {
			token = fmt.Sprintf("token-%d", t.met)
		}
		o.Set("next_page_token", token)
		a = jsonAnswer(o)
	}
	if t.CutShort {
		w.Header().Set("Content-Type", a.kind)
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body[:len(a.body)/2]) // the client may be gone
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	write(w, a)
}

func write(w http.ResponseWriter, a fakeAnswer) {
	w.Header().Set("Content-Type", a.kind)
	if strings.HasPrefix(a.kind, "text/html") && a.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="mlflow"`)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}
