package rest

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// pipes is a network without sockets, on which fake time can run: each
// connection is a net.Pipe to one http.Server, whatever the address.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once

	mu     sync.Mutex
	dialed []string
	refuse bool
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	p.dialed = append(p.dialed, address)
	refuse := p.refuse
	p.mu.Unlock()
	if refuse {
		return nil, errors.New("dial tcp " + address + ": connect: connection refused")
	}
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) setRefuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

// serve makes a client of a server that h answers for. Unless o says
// otherwise the server is http://mlflow.corp:5000, known from
// MLFLOW_TRACKING_URI.
func serve(t *testing.T, o Options, h http.HandlerFunc) (*Client, *pipes) {
	t.Helper()
	p := newPipes()
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		s.Serve(p)
		close(done)
	}()
	setDefault(&o.TrackingURI, "http://mlflow.corp:5000")
	setDefault(&o.AddressFrom, "MLFLOW_TRACKING_URI")
	if o.Dial == nil {
		o.Dial = p.Dial
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		s.Close()
		<-done
	})
	return c, p
}

// noWait makes retries take no time.
func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func object(t *testing.T, text string) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func text(o *mlflow.Object) string { return string(mlflow.JSON{}.Append(nil, o)) }
