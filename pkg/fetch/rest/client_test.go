package rest

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func TestGetSendsAQueryStringAndKeepsTheOrderOfMembers(t *testing.T) {
	c, _ := serve(t, Options{UserAgent: "mlreport/1.2"}, func(w http.ResponseWriter, r *http.Request) {
		got := []string{r.Method, r.Host, r.URL.String(), r.Header.Get("User-Agent"), r.Header.Get("Authorization"), r.Header.Get("Origin")}
		want := []string{"GET", "mlflow.corp:5000", "/api/2.0/mlflow/runs/get?run_id=a+%25b", "mlreport/1.2", "", ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		io.WriteString(w, `{"z": 1.50, "a": "x"}`)
	})
	o, err := c.Get(t.Context(), "runs/get", url.Values{"run_id": {"a %b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := text(o); got != `{"z":1.50,"a":"x"}` {
		t.Errorf("got %s", got)
	}
}

func TestPostSendsJSONBelowAPathPrefix(t *testing.T) {
	c, _ := serve(t, Options{TrackingURI: "http://mlflow.corp/tracking/"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := []string{r.Method, r.URL.String(), r.Header.Get("Content-Type"), string(body)}
		want := []string{"POST", "/tracking/api/2.0/mlflow/runs/search", "application/json", `{"experiment_ids":["3"],"filter":"<é>"}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		io.WriteString(w, `{}`)
	})
	o, err := c.Post(t.Context(), "runs/search", object(t, `{"experiment_ids": ["3"], "filter": "<é>"}`))
	if err != nil || o.Len() != 0 {
		t.Fatal(text(o), err)
	}
}

func TestPathsThatBeginWithASlashStandBelowTheBase(t *testing.T) {
	c, _ := serve(t, Options{TrackingURI: "http://mlflow.corp/p"}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"path": "`+r.URL.Path+`"}`)
	})
	o, err := c.Get(t.Context(), "/api/3.0/mlflow/server-info", nil)
	if err != nil || o.Text("path") != "/p/api/3.0/mlflow/server-info" {
		t.Error(text(o), err)
	}
}

func TestGraphQLReturnsDataAndTheFirstError(t *testing.T) {
	answer := `{"data": {"r0": null}, "errors": [{"message": "Too many fields"}, {"message": "other"}]}`
	c, _ := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got, want := r.URL.Path+" "+string(body), `/graphql {"query":"{a}","variables":{"v":"1"}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		io.WriteString(w, answer)
	})
	data, err := c.GraphQL(t.Context(), "{a}", object(t, `{"v": "1"}`))
	var api *APIError
	if text(data) != `{"r0":null}` || !errors.As(err, &api) || api.Message != "Too many fields" || !errors.Is(err, mlflow.ErrInvalid) {
		t.Error(text(data), err)
	}
	answer = `{"data": {"r0": {}}}`
	if data, err = c.GraphQL(t.Context(), "{a}", object(t, `{"v": "1"}`)); err != nil || text(data) != `{"r0":{}}` {
		t.Error(text(data), err)
	}
}

func TestVersionOfTheServer(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string
		err    error
	}{
		{"3.x and 2.x tell it", 200, "3.17.2", "3.17.2", nil},
		{"1.30 has no such page", 404, "<!doctype html><title>404 Not Found</title>", "", nil},
		{"a login page is not a version", 200, "<html><title>Sign in</title></html>", "", mlflow.ErrUnavailable},
		{"basic auth guards it", 401, "You are not authenticated", "", mlflow.ErrDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			got, err := c.Version(t.Context())
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCredentialsAndHeadersGoWithEveryRequest(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"user info of the address first", Options{TrackingURI: "http://ann:s%40c@mlflow.corp", Username: "bob", Password: "x", Token: "t"}, "Basic YW5uOnNAYw=="},
		{"an empty password counts", Options{TrackingURI: "http://ann:@mlflow.corp", Token: "t"}, "Basic YW5uOg=="},
		{"a user alone in the address counts for nothing", Options{TrackingURI: "http://ann@mlflow.corp", Token: "t"}, "Bearer t"},
		{"then user name and password", Options{Username: "bób", Password: "x", Token: "t"}, "Basic YsOzYjp4"},
		{"then the token", Options{Username: "bob", Token: "t"}, "Bearer t"},
		{"then a header of the manifest", Options{Headers: map[string]string{"authorization": "Custom abc"}}, "Custom abc"},
		{"or nothing", Options{Password: "x"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.o.Headers == nil {
				test.o.Headers = map[string]string{"X-Team": "credit"}
			}
			c, _ := serve(t, test.o, func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != test.want {
					t.Errorf("Authorization is %q, want %q", got, test.want)
				}
				if v := test.o.Headers["X-Team"]; r.Header.Get("X-Team") != v {
					t.Errorf("X-Team is %q", r.Header.Get("X-Team"))
				}
				io.WriteString(w, "{}")
			})
			if _, err := c.Get(t.Context(), "x", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRedirectsStayAtTheServer(t *testing.T) {
	for _, test := range []struct {
		name, base, to string
		want           string // of the error; "": followed
	}{
		{"a path of the same server is followed", "http://mlflow.corp:5000", "/p/there", ""},
		{"another host is not", "http://mlflow.corp:5000", "http://login.corp/?token=hidden",
			"http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, credentials from ~/.netrc) sends runs/search to another address, which is not followed: http://login.corp"},
		{"another port is not", "http://mlflow.corp:5000", "http://mlflow.corp:5001/there",
			"http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, credentials from ~/.netrc) sends runs/search to another address, which is not followed: http://mlflow.corp:5001"},
		{"user info is not", "http://mlflow.corp:5000", "http://a:b@mlflow.corp:5000/there",
			"http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, credentials from ~/.netrc) sends runs/search to another address, which is not followed: http://mlflow.corp:5000"},
		{"nor a circle", "http://mlflow.corp:5000", "/api/2.0/mlflow/runs/search",
			"http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, credentials from ~/.netrc) answers runs/search with a redirect that leads nowhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{TrackingURI: test.base, Username: "u", Password: "p", CredentialsFrom: "~/.netrc"}
			c, p := serve(t, o, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/there") {
					http.Redirect(w, r, test.to, http.StatusMovedPermanently)
					return
				}
				body, _ := io.ReadAll(r.Body)
				io.WriteString(w, `{"method": "`+r.Method+`", "body": `+string(body)+`}`)
			})
			got, err := c.Post(t.Context(), "runs/search", object(t, `{"a":1}`))
			if test.want == "" {
				if err != nil || text(got) != `{"method":"POST","body":{"a":1}}` {
					t.Errorf("got %s, %v", text(got), err)
				}
				return
			}
			if err == nil || err.Error() != test.want || !errors.Is(err, mlflow.ErrUnavailable) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if len(p.dialed) != 1 {
				t.Errorf("connected to %v", p.dialed)
			}
		})
	}
}

func TestHTTPSInsteadOfHTTPOfTheSameHostMayBeFollowed(t *testing.T) {
	c, _ := serve(t, Options{TrackingURI: "http://mlflow.corp"}, nil)
	for to, ok := range map[string]bool{
		"https://mlflow.corp/x":      true,
		"https://mlflow.corp:8443/x": false,
		"https://other.corp/x":       false,
		"ftp://mlflow.corp/x":        false,
	} {
		resp := &http.Response{Header: http.Header{"Location": {to}}}
		from, _ := url.Parse("http://mlflow.corp/api")
		if _, err := c.redirect(from, resp); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestAnswersHaveALimit(t *testing.T) {
	big := `{"a": "` + strings.Repeat("x", 1000) + `"}`
	for _, chunked := range []bool{false, true} {
		asked := 0
		c, _ := serve(t, Options{MaxBody: 100}, func(w http.ResponseWriter, r *http.Request) {
			asked++
			if chunked {
				http.NewResponseController(w).Flush()
			}
			io.WriteString(w, big)
		})
		_, err := c.Get(t.Context(), "runs/get", nil)
		want := "http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, no credentials) answered runs/get with more than 100 bytes"
		if !errors.Is(err, mlflow.ErrTooLarge) || err.Error() != want || asked != 1 {
			t.Errorf("chunked %t: asked %d times: %v", chunked, asked, err)
		}
	}
}

func TestStatsCountRequestsRetriesStatusesAndBytes(t *testing.T) {
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) { w.WriteHeader(503) },
		func(w http.ResponseWriter) { io.WriteString(w, `{"a":1}`) },
		func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9"); io.WriteString(w, `{"a"`) },
		func(w http.ResponseWriter) { io.WriteString(w, `{"a":2}`) },
	}
	c, _ := serve(t, Options{Sleep: noWait}, func(w http.ResponseWriter, _ *http.Request) {
		answers[0](w)
		answers = answers[1:]
	})
	for range 2 {
		if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
			t.Fatal(err)
		}
	}
	want := Stats{Requests: 4, Retries: 2, Faults: 1, Bytes: 7 + 4 + 7, Statuses: map[int]int64{200: 3, 503: 1}}
	if diff := cmp.Diff(want, c.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{TrackingURI: "ftp://secret@h", AddressFrom: "MLFLOW_TRACKING_URI"}, "the server's address (from MLFLOW_TRACKING_URI) does not begin with http:// or https://"},
		{Options{TrackingURI: "http://u:secret%zz@h"}, "the server's address cannot be read as a URL"},
		{Options{TrackingURI: "http://:5000"}, "the server's address names no host"},
		{Options{TrackingURI: "http://h/?token=secret"}, "the server's address has a query (`?`) or a fragment (`#`)"},
		{Options{TrackingURI: "http://h", Token: "secret\n", CredentialsFrom: "MLFLOW_TRACKING_TOKEN"}, "the token (from MLFLOW_TRACKING_TOKEN) holds a control character"},
		{Options{TrackingURI: "http://h", Headers: map[string]string{"X-A": "secret\r\nX-B: y"}}, "the value of header X-A holds a control character"},
		{Options{TrackingURI: "http://h", Headers: map[string]string{"X A": "v"}}, `"X A" cannot be the name of a header`},
	} {
		_, err := NewClient(test.o)
		if err == nil || err.Error() != test.want || !errors.Is(err, mlflow.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}
