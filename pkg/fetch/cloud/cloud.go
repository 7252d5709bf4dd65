package cloud

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Options says how the stores are reached. The zero value is right for
// Amazon's, Google's and Azure's own services.
type Options struct {
	S3     S3
	Google Google
	Azure  Azure
}

// S3 is how a store that speaks Amazon's protocol is reached.
type S3 struct {
	Endpoint  string // of another store than Amazon's, such as `http://minio:9000`
	PathStyle bool   // the bucket is part of the path, not of the host
	Unsigned  bool   // nobody logs in: public buckets
	IgnoreTLS bool   // any certificate is taken
}

// Google is how Google Cloud Storage is reached.
type Google struct {
	Endpoint string // of an emulator, where nobody logs in, such as `localhost:4443`
}

// Azure is how Azure Storage is logged in to. Without any, the credentials of
// the machine are used (environment, workload identity, managed identity, az).
type Azure struct {
	ConnectionString string // serves the account that it names
	AccessKey        string
}

// Artifacts reads files of object stores. It implements fetch.Artifacts.
type Artifacts struct {
	o       Options
	mu      sync.Mutex
	buckets map[bucket]*opening
}

// An opening is a bucket that is opened once, by the first who needs it.
type opening struct {
	once  sync.Once
	store store
	err   error
}

// A store is an open bucket. Errors are those of fetch.Artifacts.
type store interface {
	// read opens an object. The stamp tells whether it changed.
	read(ctx context.Context, key string) (io.ReadCloser, fetch.Stamp, error)
	// list streams the objects below a prefix in the order of their keys;
	// flat: all of them, else one level, of which folders end in `/`.
	list(ctx context.Context, prefix string, flat bool) iter.Seq2[object, error]
	close()
}

// An object is a row of a listing.
type object struct {
	key  string
	size int64
}

// New makes a reader. Nothing is asked before the first file is.
func New(o Options) *Artifacts { return &Artifacts{o: o, buckets: map[bucket]*opening{}} }

// Close closes the buckets that were opened; the reader must not be used again.
func (a *Artifacts) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.buckets {
		if o.store != nil {
			o.store.close()
		}
	}
}

// ReadFile reads one object; see fetch.Artifacts.
func (a *Artifacts) ReadFile(ctx context.Context, at fetch.Location, sub string, limit int64, since fetch.Stamp) (fetch.File, error) {
	s, key, err := a.at(ctx, at.URI, sub)
	if err != nil {
		return fetch.File{}, failed("reading", at.URI, sub, err)
	}
	r, stamp, err := s.read(ctx, key)
	if err != nil {
		return fetch.File{}, failed("reading", at.URI, sub, err)
	}
	defer func() { _ = r.Close() }() // all that is wanted has been read
	if !since.IsZero() && stamp == since {
		return fetch.File{Stamp: stamp, Unchanged: true}, nil
	}
	if stamp.Size > limit {
		return fetch.File{}, failed("reading", at.URI, sub, tooLarge(limit))
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case ctx.Err() != nil:
		return fetch.File{}, ctx.Err()
	case err != nil:
		return fetch.File{}, failed("reading", at.URI, sub, mlflow.Reason(mlflow.ErrUnavailable, "%v", err))
	case int64(len(data)) > limit:
		return fetch.File{}, failed("reading", at.URI, sub, tooLarge(limit))
	}
	return fetch.File{Data: data, Stamp: stamp}, nil
}

// List lists what lies below a folder; see fetch.Artifacts. A store has no
// folders, only keys: more than one level is one listing of all keys below.
func (a *Artifacts) List(ctx context.Context, at fetch.Location, sub string, depth int) iter.Seq2[mlflow.FileInfo, error] {
	return func(yield func(mlflow.FileInfo, error) bool) {
		s, key, err := a.at(ctx, at.URI, sub)
		if err != nil {
			yield(mlflow.FileInfo{}, failed("listing", at.URI, sub, err))
			return
		}
		prefix := ""
		if key != "" {
			prefix = key + "/"
		}
		tree := newFolders(depth)
		for o, err := range s.list(ctx, prefix, depth != 1) {
			if err != nil {
				yield(mlflow.FileInfo{}, failed("listing", at.URI, sub, err))
				return
			}
			if !tree.add(strings.TrimPrefix(o.key, prefix), o.size, yield) {
				return
			}
		}
		if !tree.any {
			yield(mlflow.FileInfo{}, failed("listing", at.URI, sub, mlflow.Reason(mlflow.ErrNotFound, "the store has nothing there")))
			return
		}
		tree.flush(yield)
	}
}

// at opens the bucket of a location.
func (a *Artifacts) at(ctx context.Context, uri, sub string) (store, string, error) {
	b, key, err := parse(uri)
	if err != nil {
		return nil, "", err
	}
	a.mu.Lock()
	o := a.buckets[b]
	if o == nil {
		o = &opening{}
		a.buckets[b] = o
	}
	a.mu.Unlock()
	// A batch that is interrupted must not leave a bucket that is never opened:
	// opening outlives the one who asked first, for a time.
	o.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		o.store, o.err = a.open(ctx, b)
	})
	if sub != "" {
		key = path.Join(key, sub)
	}
	return o.store, key, o.err
}

func failed(doing, uri, sub string, err error) error {
	uri = mlflow.Redact(uri)
	if sub != "" {
		uri = strings.TrimRight(uri, "/") + "/" + sub
	}
	return &mlflow.Error{Op: doing + " " + uri, Err: err}
}

func tooLarge(limit int64) error {
	return mlflow.Reason(mlflow.ErrTooLarge, "it has more than %d bytes", limit)
}

// hintOf says how a kind of store is logged in to.
func hintOf(kind string) string {
	const found = "credentials are found as %s finds them: %s"
	switch kind {
	case amazon:
		return fmt.Sprintf(found, "the aws command", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine; a store of another vendor is named by MLFLOW_S3_ENDPOINT_URL")
	case google:
		return fmt.Sprintf(found, "the gcloud command", "GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the account of the machine")
	}
	return fmt.Sprintf(found, "the az command", "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCESS_KEY, `az login`, or the identity of the machine")
}
