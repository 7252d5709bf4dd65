//go:build !nocloud

package cloud

import (
	"context"
	"errors"
	"io"
	"iter"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// pageSize is how many objects a request lists: the most that S3 and Google
// give at once.
const pageSize = 1000

// An opened is a bucket of any vendor.
type opened struct {
	*blob.Bucket
	kind   string
	etagOf func(*blob.Reader) string
	about  func(error) string // what a vendor's error says, in short; nil: all of it
}

func (a *Artifacts) open(ctx context.Context, b bucket) (store, error) {
	o := &opened{kind: b.kind}
	var err error
	switch b.kind {
	case amazon:
		err = a.openS3(ctx, b, o)
	case google:
		err = a.openGoogle(ctx, b, o)
	default:
		err = a.openAzure(ctx, b, o)
	}
	if err != nil {
		return nil, o.failed(err)
	}
	return o, nil
}

func (o *opened) close() error { return o.Bucket.Close() }

func (o *opened) read(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error) {
	if key == "" {
		return nil, fetch.Stamp{}, mlflow.Reason(mlflow.ErrNotFound, "it is the bucket itself")
	}
	r, err := o.NewReader(ctx, key, nil)
	if err != nil {
		return nil, fetch.Stamp{}, o.failed(err)
	}
	return r, fetch.Stamp{ETag: o.etagOf(r), Size: r.Size(), ModTime: r.ModTime()}, nil
}

func (o *opened) list(ctx context.Context, prefix string, flat bool) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		options := &blob.ListOptions{Prefix: prefix}
		if !flat {
			options.Delimiter = "/"
		}
		for token := blob.FirstPageToken; token != nil; {
			page, next, err := o.ListPage(ctx, token, pageSize, options)
			if err != nil {
				yield(object{}, o.failed(err))
				return
			}
			for _, row := range page {
				if !yield(object{row.Key, row.Size}, nil) {
					return
				}
			}
			token = next
		}
	}
}

// failed wraps what a vendor's library said in the right sentinel.
func (o *opened) failed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var ours *mlflow.Error
	if errors.As(err, &ours) {
		return err
	}
	says := err.Error()
	if o.about != nil {
		says = o.about(err)
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return mlflow.Reason(mlflow.ErrNotFound, "%s", says)
	case gcerrors.PermissionDenied:
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrDenied, "%s", says), Hint: hintOf(o.kind)}
	}
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnavailable, "%s", says), Hint: hintOf(o.kind)}
}
