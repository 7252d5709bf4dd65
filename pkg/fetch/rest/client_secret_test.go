package rest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TestNoSecretIsInAnyErrorOrLog asks a server that tells all it was sent, in
// every way an answer can be wrong.
func TestNoSecretIsInAnyErrorOrLog(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("ann:pass/w0rd&"))
	secrets := []string{"pass/w0rd", "pass%2Fw0rd", "t0ken-of-mine", "team-k3y-12345", basic, "redirect-s3cret"}
	logins := map[string]Options{
		"address": {TrackingURI: "http://ann:pass%2Fw0rd&@mlflow.corp:5000"},
		"basic":   {Username: "ann", Password: "pass/w0rd&"},
		"token":   {Token: "t0ken-of-mine"},
		"header":  {Headers: map[string]string{"Authorization": "Bearer t0ken-of-mine", "X-Key": "team-k3y-12345"}},
	}
	tell := func(r *http.Request) string {
		user, password, _ := r.BasicAuth()
		return fmt.Sprintf("%v %s %s %s %s", r.Header, user, password, url.QueryEscape(password), url.PathEscape(password))
	}
	answers := map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://u:redirect-s3cret@other/redirect-s3cret?redirect-s3cret")
			w.WriteHeader(302)
		},
		"broken JSON": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"`+tell(r)) },
		"cut short": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, tell(r))
		},
		"page": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>"+tell(r)) },
		"graphql": func(w http.ResponseWriter, r *http.Request) {
			w.Write(mlflow.EncodeReport(mlflow.NewObject(mlflow.Member{Key: "errors", Value: []any{mlflow.NewObject(mlflow.Member{Key: "message", Value: tell(r)})}})))
		},
	}
	for _, status := range []int{400, 401, 403, 404, 405, 409, 414, 429, 500, 502, 503} {
		for _, code := range []string{"", "RESOURCE_DOES_NOT_EXIST", "FEATURE_DISABLED"} {
			answers[fmt.Sprint(status, code)] = func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				w.Write(mlflow.EncodeReport(mlflow.NewObject(mlflow.Member{Key: "error_code", Value: code}, mlflow.Member{Key: "message", Value: tell(r)})))
			}
		}
	}
	for login, o := range logins {
		for name, h := range answers {
			var log bytes.Buffer
			o.Sleep, o.Log = noWait, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c, _ := serve(t, o, h)
			said := ""
			note := func(err error) {
				if err == nil {
					t.Errorf("%s, %s: no error", login, name)
				}
				said += fmt.Sprintf("%v\n%+v\n%s\n", err, err, mlflow.Hint(err))
			}
			_, err := c.GraphQL(t.Context(), "{a}", nil)
			note(err)
			if name != "graphql" {
				_, err = c.Get(t.Context(), "runs/get", url.Values{"run_id": {"1"}})
				note(err)
				_, err = NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1"}, "MLmodel", 1, fetch.Stamp{})
				note(err)
			}
			said += log.String()
			for _, secret := range secrets {
				if strings.Contains(said, secret) {
					t.Errorf("%s, %s: %q is in\n%s", login, name, secret, said)
				}
			}
			if !strings.Contains(said, "http://mlflow.corp:5000") {
				t.Errorf("%s, %s: no host in\n%s", login, name, said)
			}
		}
	}
}
