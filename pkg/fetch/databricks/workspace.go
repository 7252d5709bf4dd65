package databricks

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
)

// Options say which workspace is read, and how. The zero value is the
// workspace of the profile DEFAULT and its own registry.
type Options struct {
	Login
	UnityCatalog bool   // the registry is Unity Catalog, not the workspace's own
	WorkspaceID  string // for links; "": the workspace is asked for it

	// Server has limits, TLS, proxy, headers and the log. Its address and
	// credentials are not read: Login has them.
	Server rest.Options
}

// A Workspace is one workspace that can be read. It is safe for concurrent
// use; all that read one workspace should share it.
type Workspace struct {
	opts   Options
	client *rest.Client
	log    *session

	id struct { // of the workspace
		sync.Mutex
		known bool
		text  string
	}
	storage  clients
	sdkFiles answerOnce
	serving  served
	lent     lent
	regions  regions
}

// Open reads the login and makes the client; it sends nothing.
func Open(o Options) (*Workspace, error) {
	s, err := o.start(o.Server)
	if err != nil {
		return nil, err
	}
	r := o.Server
	r.TrackingURI, r.AddressFrom, r.CredentialsFrom = s.host, s.from, s.from
	r.Username, r.Password, r.Token, r.Workspace = "", "", "", ""
	r.Authenticate, r.LoginHint = s.authenticate, loginHint
	c, err := rest.NewClient(r)
	if err != nil {
		return nil, err
	}
	w := &Workspace{opts: o, client: c, log: s}
	w.storage.options = o.Server
	if o.WorkspaceID == "" {
		w.opts.WorkspaceID = s.workspaceID
	}
	return w, nil
}

// Client is what asks the workspace.
func (w *Workspace) Client() *rest.Client { return w.client }

// Host is the workspace's address: scheme and host.
func (w *Workspace) Host() string { return w.client.Base() }

// UnityCatalog tells which registry it is.
func (w *Workspace) UnityCatalog() bool { return w.opts.UnityCatalog }

// Close closes idle connections.
func (w *Workspace) Close() {
	w.client.Close()
	w.storage.close()
}

// ID is the workspace's id, which links name (`?o=`), or "" when nobody tells:
// the address (`?o=`, `adb-<id>.`), else the header that the workspace answers
// `scim/v2/Me` with, as Databricks' SDK finds it out.
func (w *Workspace) ID(ctx context.Context) string {
	if w.opts.WorkspaceID != "" {
		return w.opts.WorkspaceID
	}
	w.id.Lock()
	defer w.id.Unlock()
	if w.id.known {
		return w.id.text
	}
	_, header, err := w.client.Download(ctx, rest.Download{Path: "/api/2.0/preview/scim/v2/Me", Name: "the workspace's id", Limit: 1 << 20})
	if ctx.Err() != nil {
		return ""
	}
	w.id.known = true
	if id := header.Get("X-Databricks-Org-Id"); err == nil && isID(id) {
		w.id.text = id
	}
	return w.id.text
}

// workspaceIDOf reads the id off an address: `https://host/?o=1`, or
// `https://adb-1.2.azuredatabricks.net`.
func workspaceIDOf(address string) string {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if id := u.Query().Get("o"); isID(id) {
		return id
	}
	first, rest, _ := strings.Cut(u.Hostname(), ".")
	if id, ok := strings.CutPrefix(first, "adb-"); ok && isID(id) && strings.Contains(rest, ".azuredatabricks.") {
		return id
	}
	return ""
}

// isID tells whether a text is a workspace's id; 0 stands for none.
func isID(s string) bool {
	return s != "" && s != "0" && len(s) <= 32 && strings.Trim(s, "0123456789") == ""
}
