package rest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestRequestsGoThroughTheHTTPProxy(t *testing.T) {
	status := 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic dTpwcm94eS1zM2NyZXQ=" {
			t.Errorf("Proxy-Authorization is %q", r.Header.Get("Proxy-Authorization"))
		}
		w.WriteHeader(status)
		io.WriteString(w, `{"asked": "`+r.Method+" "+r.RequestURI+`"}`)
	}))
	defer s.Close()
	through := func(*http.Request) (*url.URL, error) {
		return url.Parse(strings.Replace(s.URL, "//", "//u:proxy-s3cret@", 1))
	}
	client := func(uri string) *Client {
		c, err := NewClient(Options{TrackingURI: uri, Proxy: through, Sleep: noWait})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	o, err := client("http://mlflow.corp").Get(t.Context(), "x", nil)
	if want := "GET http://mlflow.corp/api/2.0/mlflow/x"; err != nil || o.Text("asked") != want {
		t.Error(text(o), err)
	}
	for _, test := range []struct {
		uri    string
		status int
		kind   error
		want   string
		hint   string
	}{
		{"http://mlflow.corp", 407, mlflow.ErrDenied, "http://mlflow.corp (no credentials) answered 407 to x", "the HTTP proxy wants a user name and a password: put them into HTTP_PROXY or HTTPS_PROXY"},
		{"https://mlflow.corp", 407, mlflow.ErrDenied, "https://mlflow.corp (no credentials) cannot be reached for x: the HTTP proxy wants credentials (407)", "put user name and password into HTTPS_PROXY"},
		{"https://mlflow.corp", 502, mlflow.ErrUnavailable, "https://mlflow.corp (no credentials) cannot be reached: the HTTP proxy answered 502 (tried 8 times)", "see HTTPS_PROXY and NO_PROXY"},
	} {
		status = test.status
		_, err := client(test.uri).Get(t.Context(), "x", nil)
		if !errors.Is(err, test.kind) || !strings.HasPrefix(err.Error(), test.want) || mlflow.Hint(err) != test.hint {
			t.Errorf("got  %v (%s)\nwant %s", err, mlflow.Hint(err), test.want)
		}
	}
}
