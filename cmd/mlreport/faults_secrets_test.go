package main

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

const secret = "hunter2/s3cr&t"

// spellings are the ways in which the secret may come out.
func spellings() []string {
	basic := base64.StdEncoding.EncodeToString([]byte("ann:" + secret))
	return []string{secret, "hunter2%2Fs3cr%26t", "hunter2%2Fs3cr&t", "hunter2", basic, strings.TrimRight(basic, "=")}
}

// holdsNoSecret looks at all that a command said and wrote.
func (u *user) holdsNoSecret(got said) {
	u.Helper()
	look := func(where, text string) {
		for _, s := range spellings() {
			if strings.Contains(text, s) {
				u.Errorf("%s holds %q:\n%.1000s", where, s, text)
			}
		}
	}
	look("stdout", got.out)
	look("stderr", got.err)
	err := fs.WalkDir(os.DirFS(u.dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasPrefix(path, "out/") {
			look(path, u.reads(u.path(path)))
		}
		return err
	})
	if err != nil {
		u.Fatal(err)
	}
}

// tattler answers every request with what it was asked, credentials included.
func tattler(status int, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		told := fmt.Sprintf("%s %s %s %s %s", r.Header.Get("Authorization"), user, password, r.Header.Get("X-Api-Key"), r.URL)
		w.Header().Set("Content-Type", kind)
		if status/100 == 3 {
			w.Header().Set("Location", "http://ann:"+secret+"@login.corp/?token="+secret)
		}
		w.WriteHeader(status)
		if kind == "text/html" {
			fmt.Fprintf(w, "<html><title>Hello %s</title>", told)
			return
		}
		fmt.Fprintf(w, `{"error_code": "%s", "message": %q}`, strings.ReplaceAll(told, `"`, ""), told)
	}
}

func TestNoSecretIsEverShown(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"500": tattler(500, "application/json"), "401": tattler(401, "application/json"), "400": tattler(400, "application/json"),
		"200 with a page": tattler(200, "text/html"), "404 with a page": tattler(404, "text/html"), "302": tattler(302, "text/plain"),
	}
	logins := map[string]struct {
		env      map[string]string
		user     string // in the address
		manifest string // of the host
	}{
		"user info":           {user: "ann:hunter2%2Fs3cr%26t@"},
		"user and password":   {env: map[string]string{"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": secret}},
		"token":               {env: map[string]string{"MLFLOW_TRACKING_TOKEN": secret}},
		"auth of a manifest":  {env: map[string]string{"PASSWORD": secret}, manifest: ", auth: {username: ann, password: \"${env:PASSWORD}\"}"},
		"token of a manifest": {env: map[string]string{"TOKEN": secret}, manifest: ", auth: {token: \"${env:TOKEN}\"}"},
		"header":              {env: map[string]string{"KEY": secret}, manifest: ", headers: {X-Api-Key: \"${env:KEY}\", Authorization: \"Custom ${env:KEY}\"}"},
	}
	for login, l := range logins {
		t.Run(login, func(t *testing.T) {
			good := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
			urls := map[string]string{"good": good.URL}
			for name, answer := range answers {
				server := httptest.NewServer(answer)
				t.Cleanup(server.Close)
				urls[name] = server.URL
			}
			for name, address := range urls {
				u := newUser(t)
				address = strings.Replace(address, "http://", "http://"+l.user, 1)
				u.env["MLFLOW_TRACKING_URI"] = address
				for name, value := range l.env {
					u.env[name] = value
				}
				manifest := u.writes("m.yaml", "version: 1\nhosts: {prod: {tracking: \"${env:MLFLOW_TRACKING_URI}\""+l.manifest+"}}\n"+
					"defaults: {objects: true, artifact-max-level: all}\nmodels: [\"models:/wine@champion\", {select: {models: \"w*\", versions: all}}, runs:/0123/model]\n")
				for _, args := range [][]string{
					{"-v", "run", "--json", manifest, "--out", u.path("out")},
					{"-v", "plan", manifest, "--out", u.path("out")},
					{"-v", "get-run", "--run-id", "1"},
					{"-v", "get-mlflow-model-wide", "--model-uri", "models:/wine/2"},
				} {
					got := u.types(args...)
					if want := name == "good" && args[1] != "get-run"; want != (got.out != "" && got.code != exitFatal) && args[1] != "plan" && args[1] != "run" {
						t.Errorf("%s: %s: exit code %d: %s", name, args[1], got.code, got.err)
					}
					u.holdsNoSecret(got)
				}
			}
			found := false
			for _, r := range good.Requests() {
				found = found || r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != ""
			}
			if !found {
				t.Error("the secret was never used: this test shows nothing")
			}
		})
	}
}

func TestNoSecretIsShownOfAddressesThatAreWrong(t *testing.T) {
	u := newUser(t)
	for _, uri := range []string{
		"http://ann:hunter2@127.0.0.1:1", "http://ann:hunter2@h:port/", "http://ann:hunter2%zz@h", "http://ann:hunter2@h/?token=hunter2", "http://ann:hunter2@",
		"postgresql+psycopg2://ann:hunter2@127.0.0.1:1/db", "mysql://ann:hunter2@127.0.0.1:1/db", "mssql://ann:hunter2@h/db", "foo://ann:hunter2@h", "foo://ann:hunter2%zz@h",
		"sqlite:///nowhere.db?key=hunter2", "sqlite://ann:hunter2@h/x.db", "databricks://ann:hunter2@x", "ftp://ann:hunter2@h/mlruns",
	} {
		u.env["MLFLOW_TRACKING_URI"] = uri
		u.holdsNoSecret(u.types("-v", "get-run", "--run-id", "1"))
		u.holdsNoSecret(u.types("-v", "get-run", "--run-id", "1", "--tracking-uri", uri))
		literal := u.writes("literal.yaml", "version: 1\nhosts: {prod: {tracking: \""+uri+"\", registry: \""+uri+"\", ui: \""+uri+"\", artifact-roots: {x: \""+uri+"\"}}}\nmodels: [models:/A/1]\n")
		filled := u.writes("filled.yaml", "version: 1\nhosts: {prod: {tracking: \"${env:MLFLOW_TRACKING_URI}\"}}\nmodels: [models:/A/1, {uri: \"${env:MLFLOW_TRACKING_URI}\", name: x}]\n")
		hostless := u.writes("hostless.yaml", "version: 1\nmodels: [models:/A/1]\n")
		for _, m := range []string{literal, filled, hostless} {
			u.holdsNoSecret(u.types("-v", "validate", m))
			u.holdsNoSecret(u.types("-v", "run", m, "--out", u.path("out")))
		}
	}
}
