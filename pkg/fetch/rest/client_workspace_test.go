package rest

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestWorkspaceIsNamedOnlyToServersThatHaveThem(t *testing.T) {
	const lacks = anonymous + "has no workspaces, and workspace \"team-a\" was asked for: unsupported"
	for _, test := range []struct {
		name, workspace string
		status          int
		info            string
		want            []string // path and header of each request
		err             string
	}{
		{"with workspaces", "team-a", 200, `{"workspaces_enabled": true}`, []string{"/api/3.0/mlflow/server-info ", "/api/2.0/mlflow/x team-a", "/api/2.0/mlflow/x team-a"}, ""},
		{"3.x without", "team-a", 200, `{"workspaces_enabled": false}`, []string{"/api/3.0/mlflow/server-info "}, lacks},
		{"2.x", "team-a", 404, `<html>`, []string{"/api/3.0/mlflow/server-info "}, lacks},
		{"the default one needs no header", "default", 200, ``, []string{"/api/2.0/mlflow/x ", "/api/2.0/mlflow/x "}, ""},
		{"none", "", 200, ``, []string{"/api/2.0/mlflow/x ", "/api/2.0/mlflow/x "}, ""},
		{"not known now", "team-a", 403, ``, []string{"/api/3.0/mlflow/server-info ", "/api/3.0/mlflow/server-info "}, anonymous + "answered 403 to /api/3.0/mlflow/server-info"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			c, _ := serve(t, Options{Workspace: test.workspace}, func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path+" "+r.Header.Get("X-MLFLOW-WORKSPACE"))
				if r.URL.Path == "/api/3.0/mlflow/server-info" {
					w.WriteHeader(test.status)
					io.WriteString(w, test.info)
					return
				}
				io.WriteString(w, "{}")
			})
			for range 2 {
				_, err := c.Get(t.Context(), "x", nil)
				if test.err == "" && err != nil || test.err != "" && (err == nil || err.Error() != test.err) {
					t.Errorf("got  %v\nwant %s", err, test.err)
				}
				if test.err == lacks && (!errors.Is(err, mlflow.ErrUnsupported) || mlflow.Hint(err) != "unset MLFLOW_WORKSPACE (`workspace:` of the host in the manifest), or start the server with --enable-workspaces") {
					t.Error(mlflow.Hint(err))
				}
			}
			if diff := cmp.Diff(test.want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}
