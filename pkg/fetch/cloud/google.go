//go:build !nocloud

package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
	googleauth "golang.org/x/oauth2/google"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// A googleBucket reads a bucket by the JSON API of Cloud Storage. Its vendor's
// library does, too, but brings gRPC and what belongs to it: half of the size
// of the program, and most of the time that it took to start.
type googleBucket struct {
	http *http.Client
	url  string // of the bucket: `https://storage.googleapis.com/storage/v1/b/NAME`
}

// openGoogle opens a bucket with the application's default credentials; when
// there are none, nobody logs in, as in MLflow: the bucket may be public.
func (a *Artifacts) openGoogle(ctx context.Context, b bucket) (client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is documented
	transport.MaxIdleConnsPerHost = 100
	var through http.RoundTripper = transport
	base := a.o.Google.Endpoint
	switch {
	case base == "":
		domain := "googleapis.com"
		// The credentials outlive the call that finds them.
		credentials, err := googleauth.FindDefaultCredentials(context.WithoutCancel(ctx), "https://www.googleapis.com/auth/devstorage.read_only")
		if err == nil {
			through = &oauth2.Transport{Source: credentials.TokenSource, Base: transport}
			domain = cmp.Or(domainOf(credentials), domain)
		}
		base = "https://storage." + domain
	case !strings.Contains(base, "://"):
		base = "http://" + base
	}
	return &googleBucket{&http.Client{Transport: through}, strings.TrimRight(base, "/") + "/storage/v1/b/" + url.PathEscape(b.name)}, nil
}

// domainOf is the domain of the cloud that credentials are for: one that is
// run by somebody else has another.
func domainOf(c *googleauth.Credentials) string {
	domain, err := c.GetUniverseDomain()
	if err != nil {
		return ""
	}
	return domain
}

// get reads https://cloud.google.com/storage/docs/json_api/v1/objects/get; an
// object that is kept compressed is decompressed, as for MLflow.
func (g *googleBucket) get(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error) {
	response, err := g.ask(ctx, "/o/"+url.PathEscape(key)+"?alt=media")
	if err != nil {
		return nil, fetch.Stamp{}, err
	}
	stamp := fetch.Stamp{ETag: cmp.Or(response.Header.Get("X-Goog-Generation"), response.Header.Get("ETag")), Size: response.ContentLength}
	if stamp.Size < 0 {
		stamp.Size, _ = strconv.ParseInt(response.Header.Get("X-Goog-Stored-Content-Length"), 10, 64)
	}
	stamp.ModTime, _ = http.ParseTime(response.Header.Get("Last-Modified"))
	return response.Body, stamp, nil
}

// page reads https://cloud.google.com/storage/docs/json_api/v1/objects/list.
func (g *googleBucket) page(ctx context.Context, prefix, delimiter, token string) ([]object, string, error) {
	query := url.Values{"prefix": {prefix}, "maxResults": {strconv.Itoa(pageSize)}, "fields": {"nextPageToken,prefixes,items(name,size)"}}
	for name, value := range map[string]string{"delimiter": delimiter, "pageToken": token} {
		if value != "" {
			query.Set(name, value)
		}
	}
	response, err := g.ask(ctx, "/o?"+query.Encode())
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	var page struct {
		NextPageToken string   `json:"nextPageToken"`
		Prefixes      []string `json:"prefixes"`
		Items         []struct {
			Name string `json:"name"`
			Size int64  `json:"size,string"`
		} `json:"items"`
	}
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return nil, "", fmt.Errorf("the answer is no list of objects: %w", err)
	}
	rows := make([]object, 0, len(page.Items)+len(page.Prefixes))
	for _, item := range page.Items {
		rows = append(rows, object{item.Name, item.Size})
	}
	for _, folder := range page.Prefixes {
		rows = append(rows, object{folder, 0})
	}
	return rows, page.NextPageToken, nil
}

func (g *googleBucket) explain(err error) (int, string) {
	var refused *googleError
	if errors.As(err, &refused) {
		return refused.status, refused.Error()
	}
	var noToken *oauth2.RetrieveError
	if errors.As(err, &noToken) { // its text has the whole answer
		return http.StatusUnauthorized, strings.TrimSuffix("the credentials are not accepted: "+cmp.Or(noToken.ErrorDescription, noToken.ErrorCode), ": ")
	}
	var at *url.Error
	if errors.As(err, &at) { // its text has the whole address
		return 0, at.Err.Error()
	}
	return 0, err.Error()
}

func (g *googleBucket) close() { g.http.CloseIdleConnections() }
