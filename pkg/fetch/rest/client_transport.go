package rest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// newTransport makes the connections of one client.
func newTransport(o Options, base *url.URL, c *tls.Config) *http.Transport {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: min(o.Timeout, 30*time.Second)}).DialContext
	}
	return &http.Transport{
		Proxy:                  o.Proxy,
		TLSClientConfig:        c,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      !acksQuickly && base.Scheme == "http", // see client_conn_linux.go
		MaxIdleConnsPerHost:    o.InFlight,
		MaxResponseHeaderBytes: 1 << 20,
		// uvicorn closes a connection that was idle for 5 s; a request that
		// goes out just then is lost.
		IdleConnTimeout: 4 * time.Second,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{status: resp.StatusCode}
			}
			return nil
		},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return ackQuickly(conn), nil
		},
	}
}

// A proxyError is the answer of an HTTP proxy that opened no tunnel.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return fmt.Sprintf("the HTTP proxy answered %d", e.status) }
