package rest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func newTestClient(t *testing.T, h http.HandlerFunc, o Options) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.TrackingURI = s.URL
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestGetSendsAQueryStringAndKeepsTheOrderOfMembers(t *testing.T) {
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.String(), "/api/2.0/mlflow/runs/get?run_id=a+%25b"; got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
		w.Write([]byte(`{"z": 1.50, "a": "x"}`))
	}, Options{})
	o, err := c.Get(t.Context(), "runs/get", url.Values{"run_id": {"a %b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(mlflow.JSON{}.Append(nil, o)); got != `{"z":1.50,"a":"x"}` {
		t.Errorf("got %s", got)
	}
}
