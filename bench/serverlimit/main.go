// Command serverlimit sends recorded requests to a server, as many at once as
// a batch does, and throws the answers away: no batch that asks the same can be
// faster than this.
//
//	serverlimit -url http://127.0.0.1:5000 requests.jsonl
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// A request is a line of the record.
type request struct {
	Method, Path string // with its query
	Type         string // of the body
	Body         []byte
}

func main() {
	url := flag.String("url", "", "the server")
	atOnce := flag.Int("at-once", 8, "requests in flight; the default is that of mlreport")
	connections := flag.String("connections", "quick", "how they are kept: quick (acknowledged at once), plain, or new (one for each request)")
	flag.Parse()
	if err := run(context.Background(), *url, flag.Arg(0), *atOnce, *connections); err != nil {
		fmt.Fprintln(os.Stderr, "serverlimit:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, file string, atOnce int, connections string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	client := &http.Client{Transport: transport(atOnce, connections)}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	d := json.NewDecoder(f)
	for ctx.Err() == nil {
		var r request
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return errors.Join(err, g.Wait())
		}
		g.Go(func() error { return send(ctx, client, url, r) })
	}
	return g.Wait()
}

func transport(atOnce int, connections string) *http.Transport {
	return &http.Transport{
		MaxIdleConnsPerHost: atOnce,
		IdleConnTimeout:     4 * time.Second, // uvicorn closes after 5
		DisableKeepAlives:   connections == "new",
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil && connections == "quick" {
				conn = ackQuickly(conn)
			}
			return conn, err
		},
	}
}

func send(ctx context.Context, c *http.Client, url string, r request) error {
	q, err := http.NewRequestWithContext(ctx, r.Method, url+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	q.Header["Idempotency-Key"] = []string{} // is not sent, and lets the client try a lost connection again
	if r.Type != "" {
		q.Header.Set("Content-Type", r.Type)
	}
	a, err := c.Do(q)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, a.Body)
	return errors.Join(err, a.Body.Close())
}
