package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A server is what a Reader needs of a Client.
type server interface {
	Base() string
	Get(ctx context.Context, path string, q url.Values) (*mlflow.Object, error)
	Post(ctx context.Context, path string, body *mlflow.Object) (*mlflow.Object, error)
	GraphQL(ctx context.Context, query string, vars *mlflow.Object) (*mlflow.Object, error)
}

// A Reader is fetch.Source and fetch.Locator over a Client.
//
// One key is asked with the object's `get`. Several are asked with searches,
// as many keys in each as the server takes; what a search does not show is
// asked with `get` before it is reported as not found, because searches hide
// things. What a server cannot do is learnt from its answers, once, and it is
// then asked another way.
//
// Objects are as `get` shows them, whichever way they came, but for the order
// of a model's `latest_versions`, which changes from call to call: here they
// are sorted by version.
//
// Errors wrap ErrNotFound, ErrDenied, ErrUnsupported, ErrTooLarge or
// ErrUnavailable. A server that fails as a whole gives its error to each key.
type Reader struct {
	InFlight   int  // requests side by side for one call; 0: 8. The Client's own limit holds as well
	Databricks bool // the server is a Databricks workspace: it has no GraphQL, and ids of experiments may be hexadecimal

	c      server
	log    *slog.Logger
	can    abilities
	seen   experimentList
	logged loggedModels
}

var (
	_ fetch.Source  = (*Reader)(nil)
	_ fetch.Locator = (*Reader)(nil)
)

// NewReader makes a Reader. log may be nil; it hears, at debug level, what the
// server cannot do.
func NewReader(c *Client, log *slog.Logger) *Reader { return newReader(c, log) }

func newReader(c server, log *slog.Logger) *Reader {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Reader{c: c, log: log}
}

func (r *Reader) inFlight() int {
	if r.InFlight > 0 {
		return r.InFlight
	}
	return 8
}

// lineRoom is how many bytes of a GET's request line a list of names may take.
func (r *Reader) lineRoom() int { return max(maxLine-lineRoom-len(r.c.Base()), 500) }

// getOne asks for one object: the member called member of the answer. id picks
// the id out of it, which must be the one asked for, because there are caches
// that forget the query of a URL.
func (r *Reader) getOne(ctx context.Context, path string, q url.Values, member, what, asked string, id func(*mlflow.Object) string) (*mlflow.Object, error) {
	if asked == "" {
		return nil, fmt.Errorf("%s: %w", what, mlflow.ErrNotFound)
	}
	answer, err := r.c.Get(ctx, path, q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, keyedError(err))
	}
	o := answer.Object(member)
	if o == nil {
		return nil, fmt.Errorf("%s: %w", what, r.nonsense(path, "has no "+member))
	}
	if got := id(o); !strings.EqualFold(got, asked) {
		return nil, fmt.Errorf("%s: %w", what, r.nonsense(path, fmt.Sprintf("is about %q", got)))
	}
	return o, nil
}

func textAt(key string) func(*mlflow.Object) string {
	return func(o *mlflow.Object) string { return o.Text(key) }
}

// keyedError turns a refusal into not-found: the question was well formed, so
// the server says that there can be no object with such a key, such as a model
// with a slash in its name (3.x) or an experiment called abc.
func keyedError(err error) error {
	if errors.Is(err, mlflow.ErrInvalid) {
		return fmt.Errorf("%w (%w)", mlflow.ErrNotFound, err)
	}
	return err
}

// nonsense is an answer that no MLflow server gives.
func (r *Reader) nonsense(path, what string) error {
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrUnavailable, "the answer of %s to %s %s", r.c.Base(), path, what),
		Hint: "is it MLflow that answers there, and does no proxy change its answers? curl " + r.c.Base() + "/version shows what does",
	}
}

// Models implements fetch.Reader.
func (r *Reader) Models(ctx context.Context, names []string) (fetch.Results[string, mlflow.RegisteredModel], error) {
	keys := fetch.Distinct(names)
	out := newAnswers[string, mlflow.RegisteredModel](len(keys))
	if len(keys) > 1 {
		s := search[string, mlflow.RegisteredModel]{
			r: r, what: "registered models by name", can: &r.can.modelsIn, ask: r.searchModels,
			plan: func(keys []string) ([][]string, []string) { return byLine(keys, r.lineRoom()) },
		}
		var err error
		if keys, err = s.run(ctx, keys, out); err != nil {
			return out.all, err
		}
	}
	err := singly(ctx, r, keys, out, r.model)
	return out.all, err
}

func (r *Reader) model(ctx context.Context, name string) (mlflow.RegisteredModel, error) {
	o, err := r.getOne(ctx, "registered-models/get", url.Values{"name": {name}}, "registered_model", fmt.Sprintf("registered model %q", name), name, textAt("name"))
	if err != nil {
		return mlflow.RegisteredModel{}, err
	}
	return asModel(o), nil
}

func (r *Reader) searchModels(ctx context.Context, names []string) (map[string]mlflow.RegisteredModel, error) {
	q := url.Values{"filter": {inList("name", names)}, "max_results": {fmt.Sprint(min(len(names)+1, maxPage))}}
	pages := r.getPages(ctx, "registered-models/search", q, "registered_models")
	return newPicked[string, mlflow.RegisteredModel](names, foldName).pick(pages, func(o *mlflow.Object) (string, mlflow.RegisteredModel) {
		return o.Text("name"), asModel(o)
	})
}

// DownloadURI implements fetch.Locator.
func (r *Reader) DownloadURI(ctx context.Context, id mlflow.VersionID) (string, error) {
	const path = "model-versions/get-download-uri"
	what := fmt.Sprintf("the place of the files of version %d of %q", id.Version, id.Model)
	answer, err := r.c.Get(ctx, path, versionQuery(id))
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, keyedError(err))
	}
	if !answer.Has("artifact_uri") {
		return "", fmt.Errorf("%s: %w", what, r.nonsense(path, "has no artifact_uri"))
	}
	return answer.Text("artifact_uri"), nil
}
