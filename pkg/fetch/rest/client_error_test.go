package rest

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

type wrongAnswer struct {
	name   string
	status int
	body   string
	header http.Header
	o      Options
	kind   error
	want   string // behind the server's name
	hint   string
	tries  int // 0: one
}

const (
	anonymous = "http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, no credentials) "
	known     = "http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, credentials from ~/.mlflow/credentials) "
	tryLater  = "see the server's log; what was not read now is read by the next run"
)

func wrongAnswers() []wrongAnswer {
	user := Options{Username: "ann", Password: "s3cret!", CredentialsFrom: "~/.mlflow/credentials"}
	token := Options{Token: "tok3n", CredentialsFrom: "~/.mlflow/credentials"}
	page := `<!doctype html><html lang=en><title>404 Not Found</title><h1>Not Found</h1><p>The requested URL was not found.</p>`
	return []wrongAnswer{
		{name: "nobody is signed in", status: 401, body: "You are not authenticated. Please see the docs.", kind: mlflow.ErrDenied,
			want: anonymous + "answered 401 to runs/get: You are not authenticated. Please see the docs.",
			hint: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or `auth:` of the host in the manifest"},
		{name: "wrong password", status: 401, body: "no", o: user, header: http.Header{"Www-Authenticate": {`Basic realm="mlflow"`}}, kind: mlflow.ErrDenied,
			want: known + "answered 401 to runs/get: no",
			hint: "check the credentials: the server knows no such user, or the password or token is wrong or too old"},
		{name: "token for a server with passwords", status: 401, o: token, header: http.Header{"Www-Authenticate": {`Basic realm="mlflow"`}}, kind: mlflow.ErrDenied,
			want: known + "answered 401 to runs/get",
			hint: "the server wants a user name and a password, not a token: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"},
		{name: "forbidden", status: 403, body: `{"error_code": "PERMISSION_DENIED", "message": "Permission denied"}`, o: user, kind: mlflow.ErrDenied,
			want: known + "answered 403 PERMISSION_DENIED to runs/get: Permission denied", hint: "ask the server's administrator for the permission READ on the run's experiment"},
		{name: "host check of 3.x", status: 403, body: "Invalid Host header - possible DNS rebinding attack detected", kind: mlflow.ErrDenied,
			want: anonymous + "answered 403 to runs/get: Invalid Host header - possible DNS rebinding attack detected",
			hint: "the server answers only to host names it was told: use one of them, or start it with --allowed-hosts"},
		{name: "no such object", status: 404, body: `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=1 not found"}`, kind: mlflow.ErrNotFound,
			want: anonymous + "answered 404 RESOURCE_DOES_NOT_EXIST to runs/get: Run with id=1 not found"},
		{name: "alias of 2.x and 3.x", status: 400, body: `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias zzz not found."}`, kind: mlflow.ErrNotFound,
			want: anonymous + "answered 400 INVALID_PARAMETER_VALUE to runs/get: Registered model alias zzz not found."},
		{name: "no such call", status: 404, body: page, kind: mlflow.ErrUnsupported,
			want: anonymous + "answered 404 to runs/get: 404 Not Found. Not Found The requested URL was not found.",
			hint: "an older MLflow, or no MLflow, answers there; is a path prefix missing, as in https://host/mlflow? curl http://mlflow.corp:5000/version shows what does"},
		{name: "no such call, in JSON", status: 404, body: `{"error_code": "ENDPOINT_NOT_FOUND", "message": "no"}`, kind: mlflow.ErrUnsupported,
			want: anonymous + "answered 404 ENDPOINT_NOT_FOUND to runs/get: no"},
		{name: "no such call, from FastAPI", status: 404, body: `{"detail": "Not Found"}`, kind: mlflow.ErrUnsupported,
			want: anonymous + "answered 404 to runs/get: Not Found",
			hint: "an older MLflow, or no MLflow, answers there; is a path prefix missing, as in https://host/mlflow? curl http://mlflow.corp:5000/version shows what does"},
		{name: "wrong method", status: 405, kind: mlflow.ErrUnsupported, want: anonymous + "answered 405 to runs/get"},
		{name: "not implemented", status: 501, body: `{"error_code": "NOT_IMPLEMENTED"}`, kind: mlflow.ErrUnsupported, want: anonymous + "answered 501 NOT_IMPLEMENTED to runs/get"},
		{name: "refused filter", status: 400, body: `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid clause(s) in filter string"}`, kind: mlflow.ErrInvalid,
			want: anonymous + "answered 400 INVALID_PARAMETER_VALUE to runs/get: Invalid clause(s) in filter string"},
		{name: "request line of gunicorn", status: 400, body: `<html><head><title>Bad Request</title></head><body><h1><p>Bad Request</p></h1>Request Line is too large (5000 &gt; 4094)</body></html>`,
			kind: mlflow.ErrTooLarge, want: anonymous + "answered 400 to runs/get: Bad Request. Bad Request Request Line is too large (5000 > 4094)"},
		{name: "http to a port of https", status: 400, body: "Client sent an HTTP request to an HTTPS server.", kind: mlflow.ErrUnavailable,
			want: anonymous + "answered 400 to runs/get: Client sent an HTTP request to an HTTPS server.", hint: "write https:// instead of http://"},
		{name: "URL of nginx", status: 414, kind: mlflow.ErrTooLarge, want: anonymous + "answered 414 to runs/get"},
		{name: "conflict", status: 409, body: `{"error_code": "ABORTED"}`, kind: mlflow.ErrInvalid, want: anonymous + "answered 409 ABORTED to runs/get"},
		{name: "too many requests", status: 429, body: `{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}`, kind: mlflow.ErrUnavailable, tries: 8,
			want: anonymous + "answered 429 REQUEST_LIMIT_EXCEEDED to runs/get: slow down (tried 8 times)",
			hint: "ask less at once: `limits: {in-flight: 2, requests-per-second: 5}` of the host in the manifest"},
		{name: "internal error", status: 500, body: "<html><title>500 Internal Server Error</title></html>", kind: mlflow.ErrUnavailable, tries: 8,
			want: anonymous + "answered 500 to runs/get: 500 Internal Server Error. (tried 8 times)", hint: tryLater},
		{name: "gateway", status: 502, kind: mlflow.ErrUnavailable, tries: 8, want: anonymous + "answered 502 to runs/get (tried 8 times)", hint: tryLater},
		{name: "gateway in time", status: 504, kind: mlflow.ErrUnavailable, tries: 8, want: anonymous + "answered 504 to runs/get (tried 8 times)", hint: tryLater},
		{name: "request timeout", status: 408, kind: mlflow.ErrUnavailable, tries: 8, want: anonymous + "answered 408 to runs/get (tried 8 times)", hint: tryLater},
		{name: "out of service", status: 503, kind: mlflow.ErrUnavailable, tries: 8, want: anonymous + "answered 503 to runs/get (tried 8 times)", hint: tryLater},
		{name: "workspaces are off", status: 500, body: `{"error_code": "FEATURE_DISABLED", "message": "Workspace APIs are not available"}`, kind: mlflow.ErrUnsupported,
			want: anonymous + "answered 500 FEATURE_DISABLED to runs/get: Workspace APIs are not available"},
		{name: "artifacts are off", status: 503, body: "Endpoint: /x disabled due to the mlflow server running with `--no-serve-artifacts`. To enable", kind: mlflow.ErrUnsupported,
			want: anonymous + "answered 503 to runs/get: Endpoint: /x disabled due to the mlflow server running with `--no-serve-artifacts`. To enable",
			hint: "the server was started without this part of its service"},
		{name: "login page", status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: "\n<html><head><title>Sign in &middot; Corp</title><style>a{}</style></head><script>if (a<b) x()</script><p>Password", kind: mlflow.ErrUnavailable, tries: 2,
			want: anonymous + "answered runs/get with a page instead of data: Sign in · Corp. Password (tried 2 times)",
			hint: "a login page or another program answers there: open http://mlflow.corp:5000 in a browser to see it; programs sign in with MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"},
		{name: "broken JSON", status: 200, body: `{"run": {"info": `, kind: mlflow.ErrUnavailable, tries: 8,
			want: anonymous + "answered runs/get with broken JSON (tried 8 times)", hint: "does a proxy between here and the server cut or change answers?"},
		{name: "cut short", status: 200, header: http.Header{"Content-Length": {"100"}}, body: `{"run": {"info": `, kind: mlflow.ErrUnavailable, tries: 8,
			want: anonymous + "cut its answer to runs/get short: unexpected EOF (tried 8 times)", hint: "does a proxy between here and the server cut answers?"},
		{name: "endless nesting", status: 200, body: `{"a": ` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`, kind: mlflow.ErrTooLarge,
			want: anonymous + "answered runs/get with JSON that is nested deeper than 1000 levels"},
		{name: "a message that tells secrets, in colour and in length", status: 400, o: user,
			body: `{"error_code": "BAD_REQUEST", "message": "\u001b[31muser ann\r\nwith s3cret! or YW5uOnMzY3JldCE= ` + strings.Repeat("é", 400) + `"}`, kind: mlflow.ErrInvalid,
			want: known + "answered 400 BAD_REQUEST to runs/get: [31muser ann with *** or *** " + strings.Repeat("é", 300-len("[31muser ann with *** or *** ")) + "..."},
	}
}

func TestEachWrongAnswerHasItsErrorMessageAndHint(t *testing.T) {
	for _, test := range wrongAnswers() {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			test.o.Sleep = noWait
			c, _ := serve(t, test.o, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				for k, v := range test.header {
					w.Header()[k] = v
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			_, err := c.Get(t.Context(), "runs/get", url.Values{"run_id": {"1"}})
			if !errors.Is(err, test.kind) {
				t.Fatalf("%v is not %v", err, test.kind)
			}
			if err.Error() != test.want {
				t.Errorf("message\n%s\nwant\n%s", err, test.want)
			}
			if h := mlflow.Hint(err); h != test.hint {
				t.Errorf("hint\n%s\nwant\n%s", h, test.hint)
			}
			if asked != max(test.tries, 1) {
				t.Errorf("asked %d times", asked)
			}
			var api *APIError
			if !errors.As(err, &api) || test.status >= 300 && api.Status != test.status || api.Tries != asked {
				t.Errorf("APIError %+v", api)
			}
		})
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	p := newPipes()
	p.setRefuse(true)
	c, err := NewClient(Options{TrackingURI: "http://ann:s3cret@mlflow.corp:5000", Dial: p.Dial, Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), "runs/get", nil)
	want := "http://mlflow.corp:5000 (credentials from the address) does not answer: dial tcp mlflow.corp:5000: connect: connection refused (tried 8 times)"
	if err == nil || err.Error() != want || !errors.Is(err, mlflow.ErrUnavailable) || len(p.dialed) != 8 {
		t.Errorf("%d tries\ngot  %v\nwant %s", len(p.dialed), err, want)
	}
	if h := mlflow.Hint(err); h != "start the server, or correct the address; curl http://mlflow.corp:5000/health shows what answers there" {
		t.Error(h)
	}
	var api *APIError
	if !errors.As(err, &api) || api.Status != 0 || api.Tries != 8 {
		t.Errorf("APIError %+v", api)
	}
}
