//go:build !nocloud

package cloud

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// pageSize is how many objects a request lists: the most that S3 and Google
// give at once.
const pageSize = 1000

// A client speaks the protocol of a vendor about one bucket.
type client interface {
	// get opens an object.
	get(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error)
	// page lists what follows token ("" at first), at most pageSize objects;
	// with a delimiter, the prefixes that end in it are listed as objects.
	page(ctx context.Context, prefix, delimiter, token string) (rows []object, next string, err error)
	// explain tells the HTTP status of an error, 0 when there was no answer,
	// and what it says, in short.
	explain(err error) (status int, says string)
	close()
}

// An opened is a bucket of any vendor. It implements store.
type opened struct {
	client
	kind string
}

func (a *Artifacts) open(ctx context.Context, b bucket) (store, error) {
	var c client
	var err error
	switch b.kind {
	case amazon:
		c, err = a.openS3(ctx, b)
	case google:
		c, err = a.openGoogle(ctx, b)
	default:
		c, err = a.openAzure(b)
	}
	if err != nil {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnavailable, "%v", err), Hint: hintOf(b.kind)}
	}
	return &opened{c, b.kind}, nil
}

func (o *opened) read(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error) {
	if key == "" {
		return nil, fetch.Stamp{}, mlflow.Reason(mlflow.ErrNotFound, "it is the bucket itself")
	}
	r, stamp, err := o.get(ctx, key)
	if err != nil {
		return nil, fetch.Stamp{}, o.failed(ctx, err)
	}
	return r, stamp, nil
}

func (o *opened) list(ctx context.Context, prefix string, flat bool) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		delimiter := "/"
		if flat {
			delimiter = ""
		}
		for token, more := "", true; more; more = token != "" {
			page, next, err := o.page(ctx, prefix, delimiter, token)
			if err != nil {
				yield(object{}, o.failed(ctx, err))
				return
			}
			// Folders come beside the files of a page, not among them.
			slices.SortStableFunc(page, func(a, b object) int { return strings.Compare(a.key, b.key) })
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			token = next
		}
	}
}

// failed wraps what a vendor said in the right sentinel.
func (o *opened) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	status, says := o.explain(err)
	switch status {
	case http.StatusNotFound:
		return mlflow.Reason(mlflow.ErrNotFound, "%s", says)
	case http.StatusUnauthorized, http.StatusForbidden:
		return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrDenied, "%s", says), Hint: hintOf(o.kind)}
	}
	return &mlflow.Error{Err: mlflow.Reason(mlflow.ErrUnavailable, "%s", says), Hint: hintOf(o.kind)}
}
