package mlflowtest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A FaultProxy stands before a server, real or fake, and spoils some of its
// answers, as networks and gateways do.
type FaultProxy struct {
	URL string

	server *httptest.Server
	mu     sync.Mutex
	random *rand.Rand
	share  float64
	dies   int // the request before which it dies; 0: it does not
	asked  int
	met    map[string]int // by kind
}

// StartFaultProxy starts a proxy before the server at address; it spoils
// nothing until it is told to, and ends with the test.
func StartFaultProxy(t testing.TB, address string) *FaultProxy {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := &FaultProxy{}
	pass := httputil.NewSingleHostReverseProxy(to)
	pass.Transport = &http.Transport{DisableKeepAlives: true} // what it spoils is its own doing only
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, pass) }))
	p.URL = p.server.URL
	t.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// Spoil makes the proxy spoil this share of the answers (0.1: one in ten),
// chosen by the seed, and counts from 0 again.
func (p *FaultProxy) Spoil(share float64, seed uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.random = rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret
	p.share, p.asked, p.dies, p.met = share, 0, 0, map[string]int{}
}

// DieAfter makes the server go away for good after so many more requests:
// every connection is reset, and so are those that are open.
func (p *FaultProxy) DieAfter(requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share, p.dies = 0, p.asked+requests+1
}

// Heal makes the server well: alive, and without faults.
func (p *FaultProxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share, p.dies = 0, 0
}

// Asked counts the requests so far, the spoilt ones, too.
func (p *FaultProxy) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Met counts the faults so far by kind, such as `reset 3`.
func (p *FaultProxy) Met() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(p.met)) {
		list = append(list, fmt.Sprint(kind, " ", p.met[kind]))
	}
	return list
}

// faultKinds lists what can become of an answer.
func faultKinds() []string {
	return []string{"500", "503", "429", "reset", "cut short", "slow", "page", "bad gateway"}
}

// fault is what happens to this request; "" for nothing.
func (p *FaultProxy) fault() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	switch {
	case p.dies > 0 && p.asked >= p.dies:
		return "reset"
	case p.share == 0 || p.random.Float64() >= p.share:
		return ""
	}
	kinds := faultKinds()
	kind := kinds[p.random.IntN(len(kinds))]
	p.met[kind]++
	return kind
}

func (p *FaultProxy) serve(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	const slow = 700 * time.Millisecond
	kind := p.fault()
	switch kind {
	case "":
		pass.ServeHTTP(w, r)
	case "slow":
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
		}
		pass.ServeHTTP(w, r)
	case "500", "503", "429":
		status, _ := strconv.Atoi(kind)
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		http.Error(w, `{"error_code": "INTERNAL_ERROR", "message": "spoilt by the test"}`, status)
	case "page", "bad gateway":
		w.Header().Set("Content-Type", "text/html")
		if kind == "bad gateway" {
			w.WriteHeader(http.StatusBadGateway)
		}
		fmt.Fprintf(w, "<html><head><title>%s</title></head><body>Please try later.</body></html>", kind)
	case "reset":
		reset(w)
	case "cut short":
		cutShort(w, r, pass)
	}
}

// reset ends the connection in the hardest way.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST instead of FIN
	}
	_ = conn.Close()
}

// cutShort sends half of the server's answer.
func cutShort(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	whole := httptest.NewRecorder()
	pass.ServeHTTP(whole, r)
	header := whole.Header().Clone()
	header.Set("Content-Length", strconv.Itoa(whole.Body.Len()))
	for name, values := range header {
		if !strings.EqualFold(name, "Connection") {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2]) // the client may be gone
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
