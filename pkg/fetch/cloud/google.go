//go:build !nocloud

package cloud

import (
	"context"
	"strconv"
	"strings"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"google.golang.org/api/option"
)

// openGoogle opens a bucket with the application's default credentials.
func (a *Artifacts) openGoogle(ctx context.Context, b bucket, o *opened) error {
	options := []option.ClientOption{storage.WithJSONReads()}
	if endpoint := a.o.Google.Endpoint; endpoint != "" {
		if !strings.Contains(endpoint, "://") {
			endpoint = "http://" + endpoint
		}
		options = append(options, option.WithoutAuthentication(), option.WithEndpoint(strings.TrimRight(endpoint, "/")+"/storage/v1/"))
	}
	// The client outlives the call that opens it.
	client, err := storage.NewClient(context.WithoutCancel(ctx), options...)
	if err != nil {
		return err
	}
	o.etagOf = func(r *blob.Reader) string {
		var raw *storage.Reader
		if !r.As(&raw) {
			return ""
		}
		return strconv.FormatInt(raw.Attrs.Generation, 10)
	}
	o.Bucket, err = gcsblob.OpenBucket(ctx, nil, b.name, &gcsblob.Options{Client: client})
	return err
}
