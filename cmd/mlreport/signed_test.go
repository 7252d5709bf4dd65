//go:build !nocloud

package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A gateway stands before a server as Amazon's API Gateway does: it computes
// the signature of each request anew, and answers 403 where another one came.
// It takes no signature twice, and answers the first ones 503, so that they
// are tried again.
type gateway struct {
	*httptest.Server
	key, secret, region string

	mu      sync.Mutex
	seen    map[string]bool
	passed  []string // method, path and query
	refused []string
}

func startGateway(t *testing.T, before, key, secret, region string) *gateway {
	t.Helper()
	to, err := url.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{key: key, secret: secret, region: region, seen: map[string]bool{}}
	pass := httputil.NewSingleHostReverseProxy(to)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if status := g.judge(r, body); status != http.StatusOK {
			http.Error(w, `{"message": "not now, or not you"}`, status)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) judge(r *http.Request, body []byte) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if why := g.wrong(r, body); why != "" {
		g.refused = append(g.refused, r.Method+" "+r.RequestURI+": "+why)
		return http.StatusForbidden
	}
	what := fmt.Sprintf("%s %s %x", r.Method, r.RequestURI, sha256.Sum256(body))
	if !g.seen[what] && len(g.passed) < 3 { // a retry takes its time
		g.seen[what] = true
		return http.StatusServiceUnavailable
	}
	g.passed = append(g.passed, r.Method+" "+r.RequestURI)
	return http.StatusOK
}

// wrong says what is wrong with a request's signature, or "". The rules are
// those of Amazon's documentation of Signature Version 4.
func (g *gateway) wrong(r *http.Request, body []byte) string {
	kind, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		fields[name] = value
	}
	at := r.Header.Get("X-Amz-Date")
	if kind != "AWS4-HMAC-SHA256" || len(at) != 16 {
		return "not signed"
	}
	scope := at[:8] + "/" + g.region + "/execute-api/aws4_request"
	if fields["Credential"] != g.key+"/"+scope {
		return "signed for " + fields["Credential"]
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	for name := range r.Header { // what can change what an answer says must be signed
		if low := strings.ToLower(name); !slices.Contains([]string{"authorization", "user-agent", "accept-encoding"}, low) && !slices.Contains(signed, low) {
			return "the header " + name + " is not signed"
		}
	}
	canonical := []string{r.Method, escape(r.URL.EscapedPath(), true), canonicalQuery(r.URL.RawQuery)}
	for _, name := range signed {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		canonical = append(canonical, name+":"+strings.Join(strings.Fields(value), " "))
	}
	canonical = append(canonical, "", fields["SignedHeaders"], fmt.Sprintf("%x", sha256.Sum256(body)))
	sum := sha256.Sum256([]byte(strings.Join(canonical, "\n")))
	key := []byte("AWS4" + g.secret)
	for _, part := range append(strings.Split(scope, "/"), "AWS4-HMAC-SHA256\n"+at+"\n"+scope+"\n"+hex.EncodeToString(sum[:])) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	switch signature := fields["Signature"]; {
	case signature != hex.EncodeToString(key):
		return "another signature is right"
	case g.seen[signature]:
		return "the signature was used before"
	default:
		g.seen[signature] = true
	}
	return ""
}

// escape is Amazon's UriEncode.
func escape(s string, slashes bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 || c == '/' && slashes {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func canonicalQuery(raw string) string {
	var pairs []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		n, err := url.PathUnescape(name) // a `+` stands for itself
		v, err2 := url.PathUnescape(value)
		if err != nil || err2 != nil {
			return "?"
		}
		if part != "" {
			pairs = append(pairs, escape(n, false)+"="+escape(v, false))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// oddWorld has names and files that are spelled differently in paths, queries
// and signatures.
func oddWorld() *mlflowtest.FakeWorld {
	w := mlflowtest.SmallFakeWorld()
	m := &w.Models[0]
	m.Name = "a+b c/100% ~ü*('x')!"
	m.Aliases = map[string]int{"live&well": m.Versions[0].Number}
	return w
}

// ticking is a clock that gives each who asks a second of its own.
func ticking() func() time.Time {
	var asked atomic.Int64
	began := time.Now()
	return func() time.Time { return began.Add(time.Duration(asked.Add(1)) * time.Second) }
}

func runWithClock(t *testing.T, dir string, vars map[string]string, now func() time.Time, args ...string) (stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	e := &env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: dir, Now: now, Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }}
	code = execute(context.Background(), args, e)
	return errs.String(), code
}

// Two gateways, one of the environment and one whose keys stand in a profile,
// beside a server that gets a token: each gets its own login, and each try a
// signature of its own.
func TestRequestsAreSignedForAWS(t *testing.T) {
	fake := mlflowtest.StartFake(t, oddWorld(), mlflowtest.FakeOptions{})
	mine := startGateway(t, fake.URL, "AKIDMINE", "s3cret/mine+", "eu-west-1")
	theirs := startGateway(t, fake.URL, "AKIDTHEIRS", "s3cret/theirs", "us-east-2")
	var bearer atomic.Value
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer.Store(r.Header.Get("Authorization") + r.Header.Get("X-Amz-Date"))
		http.Error(w, "{}", http.StatusNotFound)
	}))
	t.Cleanup(tokens.Close)
	u := newUser(t)
	awsFiles(t, u)
	manifest := u.writes("m.yaml", `version: 1
hosts:
  mine: {tracking: "`+mine.URL+`"}
  theirs: {tracking: "`+theirs.URL+`", auth: {aws-sigv4: true, profile: theirs, region: us-east-2}}
  tokens: {tracking: "`+tokens.URL+`", auth: {token: "${env:TOKEN}"}}
models:
  - select: {models: "a+*", versions: all}
    artifact-max-level: all
    host: [mine, theirs]
  - {uri: models:/x/1, host: tokens}
`)
	u.env["MLFLOW_TRACKING_URI"], u.env["MLFLOW_TRACKING_AWS_SIGV4"] = mine.URL, "true"
	u.env["MLFLOW_TRACKING_TOKEN"] = "a signature wins over it" // as in MLflow
	u.env["TOKEN"], u.env["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "t0ken", "3"
	stderr, code := runWithClock(t, u.dir, u.env, ticking(), "run", manifest, "--out", u.path("out"))
	if code != exitPartial { // the server with the token has nothing
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for name, g := range map[string]*gateway{"mine": mine, "theirs": theirs} {
		if len(g.refused) > 0 || len(g.passed) < 5 || !slices.ContainsFunc(g.passed, func(p string) bool { return strings.HasPrefix(p, "POST ") }) {
			t.Errorf("%s: refused %q, passed %q", name, g.refused, g.passed)
		}
	}
	if got := bearer.Load(); got != "Bearer t0ken" {
		t.Errorf("the server with a token got %q", got)
	}
	for _, host := range []string{"@mine", "@theirs"} {
		reports, err := os.ReadDir(u.path("out/model_reports/" + host + "/a+b c%2F100%25 %7Eü%2A('x')!"))
		if err != nil || len(reports) == 0 {
			t.Errorf("%d reports of the host %s (%v): %s", len(reports), host, err, stderr)
		}
	}
}

// awsFiles gives this process, of which Amazon's library reads the environment
// itself, keys of one account and a profile with those of another.
func awsFiles(t *testing.T, u *user) {
	t.Helper()
	none := u.path("none")
	config := u.writes("aws-config", "[profile theirs]\naws_access_key_id = AKIDTHEIRS\naws_secret_access_key = s3cret/theirs\n")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDMINE", "AWS_SECRET_ACCESS_KEY": "s3cret/mine+", "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// A wrong key, a region that nobody says, and no key at all: one line each,
// and no secret in it.
func TestSaysWhyASignatureCannotBeHadOrIsRefused(t *testing.T) {
	fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	g := startGateway(t, fake.URL, "AKIDMINE", "another", "eu-west-1")
	for name, c := range map[string]struct{ variable, value, says string }{
		"refused":   {"AWS_PROFILE", "", "execute-api:Invoke"},
		"no region": {"AWS_REGION", "", "no region of Amazon is known"},
		"no keys":   {"AWS_ACCESS_KEY_ID", "", "logging in failed"},
	} {
		u := newUser(t)
		awsFiles(t, u)
		t.Setenv(c.variable, c.value)
		u.env["MLFLOW_TRACKING_AWS_SIGV4"] = "1"
		got := u.types("get-registered-model", "--registered-model", "x", "--tracking-uri", g.URL)
		if got.code != exitFatal || !strings.Contains(got.err, c.says) || !strings.Contains(got.err, "hint: ") || strings.Contains(got.err, "s3cret") {
			t.Errorf("%s: exit code %d: %s", name, got.code, got.err)
		}
	}
}
