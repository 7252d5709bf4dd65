package rest_test

import (
	"context"
	"net"
	"net/url"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
)

// BenchmarkKeepAlive repeats the measurement that client_conn_linux.go tells:
//
//	go test -run '^$' -bench KeepAlive ./pkg/fetch/rest
func BenchmarkKeepAlive(b *testing.B) {
	s := mlflowtest.StartServer(b, mlflowtest.ServerOptions{Version: mlflowtest.MLflow3, Workers: 2})
	plain := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return struct{ net.Conn }{conn}, err // not a *net.TCPConn: left as it is
	}
	for name, o := range map[string]rest.Options{
		"quickack": {},
		"plain":    {Dial: plain},
		"close":    {Headers: map[string]string{"Connection": "close"}},
	} {
		o.TrackingURI = s.URL
		c, err := rest.NewClient(o)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Get(b.Context(), "experiments/get", url.Values{"experiment_id": {"0"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		c.Close()
	}
}
