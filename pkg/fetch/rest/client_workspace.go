package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// workspaces remembers whether the server has MLflow 3's workspaces.
type workspaces struct {
	mu    sync.Mutex
	known bool
	err   error // known, and the workspace that was asked for cannot be had
}

// findWorkspace asks the server once, before the first call, whether it has
// workspaces: a 3.x server without them answers 500 to a request that names
// one. The default workspace needs no header anywhere.
func (c *Client) findWorkspace(ctx context.Context, q call) error {
	if q.anywhere || c.opts.Workspace == "" || c.opts.Workspace == "default" {
		return nil
	}
	w := &c.workspaces
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known {
		return w.err
	}
	a, err := c.do(ctx, call{method: http.MethodGet, name: "/api/3.0/mlflow/server-info",
		url: c.address("/api/3.0/mlflow/server-info", nil), json: true, limit: errorBody, anywhere: true})
	if err != nil && !errors.Is(err, mlflow.ErrUnsupported) && !errors.Is(err, mlflow.ErrNotFound) {
		return err
	}
	w.known = true
	if on, _ := a.object.Get("workspaces_enabled"); on != true {
		w.err = &mlflow.Error{
			Err:  fmt.Errorf("%s has no workspaces, and workspace %q was asked for: %w", c.who, c.opts.Workspace, mlflow.ErrUnsupported),
			Hint: "unset MLFLOW_WORKSPACE (`workspace:` of the host in the manifest), or start the server with --enable-workspaces",
		}
	}
	return w.err
}

// header tells whether requests name the workspace.
func (w *workspaces) header() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known && w.err == nil
}
