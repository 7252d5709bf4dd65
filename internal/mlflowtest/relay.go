package mlflowtest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A Relay passes bytes on to a server until it dies.
type Relay struct {
	server string

	mu    sync.Mutex
	left  int64 // bytes of answers until it dies; negative: it does not
	conns map[net.Conn]bool
	sent  int64
}

// StartRelay starts a relay to the host of an address; uri is the address by
// way of it.
func StartRelay(t testing.TB, address string) (r *Relay, uri string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r = &Relay{server: u.Host, left: -1, conns: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	t.Cleanup(func() { l.Close(); r.DieAfter(0) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	return r, u.String()
}

// DieAfter lets n more bytes of answers pass; then all connections end, and so
// does each new one.
func (r *Relay) DieAfter(n int64) {
	r.mu.Lock()
	r.left = n
	r.mu.Unlock()
	r.pass(0)
}

// Heal lets all pass again.
func (r *Relay) Heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = -1
}

// Sent is how many bytes of answers have passed.
func (r *Relay) Sent() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// pass tells whether n bytes more may pass, and ends everything if not.
func (r *Relay) pass(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left >= 0 {
		r.left = max(0, r.left-n)
	}
	if r.left != 0 {
		r.sent += n
		return true
	}
	for c := range r.conns {
		c.Close()
	}
	clear(r.conns)
	return false
}

func (r *Relay) serve(client net.Conn) {
	defer client.Close()
	if !r.pass(0) {
		return
	}
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.conns[client], r.conns[server] = true, true
	r.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client) // it ends with the connection
		server.Close()
	}()
	buf := make([]byte, 4096)
	for {
		n, err := server.Read(buf)
		if !r.pass(int64(n)) || err != nil {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
