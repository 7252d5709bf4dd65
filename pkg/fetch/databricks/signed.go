package databricks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A signer hands out URLs that let one file be read, and lists a folder. Paths
// are below the root of what it is about.
type signer interface {
	sign(ctx context.Context, path string) (signed, error)
	list(ctx context.Context, path string) ([]mlflow.FileInfo, error)
	name(path string) string // of a file, in messages
}

// A signed is a URL that the workspace handed out, with the headers that it
// wants to be sent along.
type signed struct {
	url     string
	headers map[string]string
}

// signedFiles are read by signed URLs.
type signedFiles struct {
	w    *Workspace
	from signer
	root string
}

// read gets a URL and what it names. A URL may have ended its life in between,
// so it is asked for once more. Cloud storage says of a file that is not there
// either 404 or, to who may not list, 403: then the folder's list decides.
func (f *signedFiles) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	at := path.Join(f.root, file)
	var data []byte
	for try := 0; ; try++ {
		s, err := f.from.sign(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.from.name(at), err)
		}
		data, err = f.w.storage.get(ctx, s, "the file "+at, limit, strings.HasPrefix(f.w.Host(), "http://"))
		switch {
		case err == nil || ctx.Err() != nil:
			return data, err
		case !errors.Is(err, mlflow.ErrDenied):
			return nil, fmt.Errorf("%s: %w", f.from.name(at), err)
		case try > 0:
			return nil, fmt.Errorf("%s: %w", f.from.name(at), f.decide(ctx, at, err))
		}
	}
}

// decide tells a file that is not there from one that may not be read.
func (f *signedFiles) decide(ctx context.Context, at string, denied error) error {
	entries, err := f.from.list(ctx, strings.Trim(path.Dir("/"+at), "/"))
	if err != nil {
		return denied
	}
	for _, e := range entries {
		if e.Path == path.Base(at) {
			return denied
		}
	}
	return mlflow.Reason(mlflow.ErrNotFound, "there is no such file")
}

func (f *signedFiles) entries(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	return f.from.list(ctx, path.Join(f.root, dir))
}

// clients are one rest.Client for each host of cloud storage. They send
// nothing that belongs to the workspace: no credentials, no headers.
type clients struct {
	options rest.Options

	mu     sync.Mutex
	byHost map[string]*rest.Client
}

// maxClients bounds them: each bucket may be a host of its own.
const maxClients = 256

// get reads a signed URL; plain allows http, for a workspace that is itself
// asked by http.
func (c *clients) get(ctx context.Context, s signed, name string, limit int64, plain bool) ([]byte, error) {
	base, p, err := rest.SplitSigned(s.url, plain)
	if err != nil {
		return nil, err
	}
	client, err := c.of(base)
	if err != nil {
		return nil, err
	}
	data, _, err := client.Download(ctx, rest.Download{Path: p, Name: name, Headers: s.headers, Limit: limit})
	return data, err
}

func (c *clients) of(base string) (*rest.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byHost[base]; client != nil {
		return client, nil
	}
	from := c.options
	client, err := rest.NewClient(rest.Options{
		TrackingURI: base, AddressFrom: "the workspace", UserAgent: from.UserAgent, CAFile: from.CAFile, Proxy: from.Proxy,
		InFlight: from.InFlight, Timeout: from.Timeout, MaxRetries: from.MaxRetries, BackoffFactor: from.BackoffFactor,
		Log: from.Log, Now: from.Now, Sleep: from.Sleep, Dial: from.Dial,
	})
	if err != nil {
		return nil, err
	}
	if len(c.byHost) >= maxClients {
		c.byHost = nil
	}
	if c.byHost == nil {
		c.byHost = map[string]*rest.Client{}
	}
	c.byHost[base] = client
	return client, nil
}

func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, client := range c.byHost {
		client.Close()
	}
}

// headersOf reads a list of `{name, value}`.
func headersOf(o *mlflow.Object) map[string]string {
	headers := map[string]string{}
	for h := range o.Objects("headers") {
		if name := h.Text("name"); name != "" && !strings.EqualFold(name, "Host") {
			headers[name] = h.Text("value")
		}
	}
	return headers
}

// registryFiles are the files of a version in the workspace's own registry.
type registryFiles struct {
	w  *Workspace
	id mlflow.VersionID
}

func (r registryFiles) name(p string) string { return r.id.String() + "/" + p }

func (r registryFiles) query(p string) query {
	q := versionQuery(r.id)
	q["path"] = p
	return q
}

func (r registryFiles) sign(ctx context.Context, p string) (signed, error) {
	const call = "model-versions/get-signed-download-uri"
	o, err := r.w.client.Get(ctx, call, r.query(p).values())
	if err == nil && o.Text("signed_uri") == "" {
		err = r.w.nonsense(call, "has no signed_uri")
	}
	return signed{o.Text("signed_uri"), headersOf(o)}, absentIfInvalid(err)
}

func (r registryFiles) list(ctx context.Context, p string) ([]mlflow.FileInfo, error) {
	return r.w.files(ctx, "model-versions/list-artifacts", r.query(p), p)
}

// runFiles are the artifacts of a run.
type runFiles struct {
	w   *Workspace
	run string
}

func (r runFiles) name(p string) string { return "runs:/" + r.run + "/" + p }

func (r runFiles) sign(ctx context.Context, p string) (signed, error) {
	const call = "artifacts/credentials-for-read"
	body := mlflow.NewObject(mlflow.Member{Key: "run_id", Value: r.run}, mlflow.Member{Key: "path", Value: []any{p}})
	o, err := r.w.client.Post(ctx, call, body)
	if err != nil {
		return signed{}, absentIfInvalid(err)
	}
	for info := range o.Objects("credential_infos") {
		if info.Text("signed_uri") != "" && (info.Text("path") == "" || info.Text("path") == p) {
			return signed{info.Text("signed_uri"), headersOf(info)}, nil
		}
	}
	return signed{}, r.w.nonsense(call, "has no signed_uri")
}

func (r runFiles) list(ctx context.Context, p string) ([]mlflow.FileInfo, error) {
	return r.w.files(ctx, "artifacts/list", query{"run_id": r.run, "path": p}, p)
}

// loggedModelFiles are the files of a logged model.
type loggedModelFiles struct {
	w  *Workspace
	id string
}

func (l loggedModelFiles) name(p string) string { return "models:/" + l.id + "/" + p }

func (l loggedModelFiles) path(rest string) string {
	return "logged-models/" + escape(l.id) + "/artifacts/" + rest
}

func (l loggedModelFiles) sign(ctx context.Context, p string) (signed, error) {
	call := l.path("credentials-for-download")
	o, err := l.w.client.Post(ctx, call, mlflow.NewObject(mlflow.Member{Key: "paths", Value: []any{p}}))
	if err != nil {
		return signed{}, absentIfInvalid(err)
	}
	for c := range o.Objects("credentials") {
		info := c.Object("credential_info")
		if info == nil {
			info = c
		}
		if info.Text("signed_uri") != "" {
			return signed{info.Text("signed_uri"), headersOf(info)}, nil
		}
	}
	return signed{}, l.w.nonsense(call, "has no signed_uri")
}

func (l loggedModelFiles) list(ctx context.Context, p string) ([]mlflow.FileInfo, error) {
	return l.w.files(ctx, l.path("directories"), query{"artifact_directory_path": p}, p)
}

// absentIfInvalid: a path that the workspace refuses is one of no file.
func absentIfInvalid(err error) error {
	if errors.Is(err, mlflow.ErrInvalid) {
		return mlflow.Mark(mlflow.ErrNotFound, err)
	}
	return err
}

// files asks one of MLflow's calls for the list of a folder, dir. A file in
// place of a folder is listed as itself: it has nothing in it.
func (w *Workspace) files(ctx context.Context, call string, q query, dir string) ([]mlflow.FileInfo, error) {
	var out []mlflow.FileInfo
	for o, err := range w.rows(ctx, call, q, "files") {
		if err != nil {
			return nil, absentIfInvalid(err)
		}
		isDir, _ := o.Get("is_dir")
		f := mlflow.FileInfo{Path: o.Text("path"), Dir: isDir == true}
		if f.Path == dir && !f.Dir {
			return nil, nil
		}
		f.Path = path.Base(f.Path)
		if !f.Dir {
			f.Bytes, _ = strconv.ParseInt(o.Text("file_size"), 10, 64)
		}
		out = append(out, f)
	}
	return out, nil
}
