package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// store is a fake `mlflow-artifacts` proxy: folders with their entries, and
// what a file's request gets.
type store struct {
	asked   []string
	folders map[string]string // path: JSON of `files`
	file    http.HandlerFunc
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method+" "+r.RequestURI)
	if strings.HasSuffix(r.URL.Path, "/mlflow-artifacts/artifacts") {
		if files, ok := s.folders[r.URL.Query().Get("path")]; ok {
			fmt.Fprintf(w, `{"files": [%s]}`, files)
			return
		}
		io.WriteString(w, "{}")
		return
	}
	s.file(w, r)
}

const root = "GET /api/2.0/mlflow-artifacts/artifacts"

func TestFilesAreReadThroughTheProxy(t *testing.T) {
	for _, test := range []struct {
		name, base, location, file, want string
	}{
		{"one slash", "http://mlflow.corp:5000", "mlflow-artifacts:/1/r/artifacts", "MLmodel", root + "/1/r/artifacts/MLmodel"},
		{"three slashes", "http://mlflow.corp:5000", "mlflow-artifacts:///1/r", "a/b", root + "/1/r/a/b"},
		{"the root", "http://mlflow.corp:5000", "mlflow-artifacts:/", "x", root + "/x"},
		{"a path prefix", "http://mlflow.corp/p", "mlflow-artifacts:/1", "x", "GET /p/api/2.0/mlflow-artifacts/artifacts/1/x"},
		{"the server's own name", "http://mlflow.corp:5000", "mlflow-artifacts://MLFLOW.corp:5000/1", "x", root + "/1/x"},
		{"the server's own name and default port", "http://mlflow.corp:80", "mlflow-artifacts://mlflow.corp/1", "x", root + "/1/x"},
		{"a URL of the proxy", "http://mlflow.corp/p", "http://mlflow.corp/p/api/2.0/mlflow-artifacts/artifacts/1/a%20b", "x", "GET /p/api/2.0/mlflow-artifacts/artifacts/1/a%20b/x"},
		{"odd names, encoded once", "http://mlflow.corp:5000", "mlflow-artifacts:/1/100% sure?/#é", "a+b;c&d\\e:f", root + "/1/100%25%20sure%3F/%23%C3%A9/a+b%3Bc&d%5Ce:f"},
		{"dots and doubled slashes", "http://mlflow.corp:5000", "mlflow-artifacts:/1//r/", "./x", root + "/1/r/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &store{file: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "flavors:\n") }}
			c, p := serve(t, Options{TrackingURI: test.base}, s.ServeHTTP)
			f, err := NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: test.location}, test.file, 100, fetch.Stamp{})
			if err != nil || string(f.Data) != "flavors:\n" {
				t.Errorf("got %q, %v", f.Data, err)
			}
			if diff := cmp.Diff([]string{test.want}, s.asked); diff != "" {
				t.Error(diff)
			}
			if len(p.dialed) != 1 {
				t.Error(p.dialed)
			}
		})
	}
}

// A session that ends in the middle of a batch must not cost a good report its
// MLmodel.
func TestALoginPageIsNotTakenForAFile(t *testing.T) {
	const page = "<!doctype html><title>Sign in</title>"
	s := &store{file: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page)
	}}
	c, _ := serve(t, Options{Sleep: noWait}, s.ServeHTTP)
	read := func(name string) (fetch.File, error) {
		return NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/r"}, name, 100, fetch.Stamp{})
	}
	_, err := read("MLmodel")
	want := anonymous + "answered the file 1/r/MLmodel with a page instead of data: Sign in. (tried 2 times)"
	if !errors.Is(err, mlflow.ErrUnavailable) || err.Error() != want || !strings.HasPrefix(mlflow.Hint(err), "a login page or another program answers") {
		t.Error(err, mlflow.Hint(err))
	}
	if f, err := read("report.html"); err != nil || string(f.Data) != page {
		t.Error(string(f.Data), err)
	}
}

func TestLocationsOfOthersAreNotAskedFor(t *testing.T) {
	const hint = "map the location to a folder: `artifact-roots:` of the host in the manifest"
	for _, test := range []struct {
		location, file string
		kind           error
		want, hint     string
	}{
		{"mlflow-artifacts://other:8080/1", "x", mlflow.ErrUnsupported, "does not serve mlflow-artifacts://other:8080/1", hint},
		{"mlflow-artifacts://mlflow.corp/1", "x", mlflow.ErrUnsupported, "does not serve mlflow-artifacts://mlflow.corp/1", hint},
		{"mlflow-artifacts://u:s3cret@other/1?s3cret", "x", mlflow.ErrUnsupported, "does not serve mlflow-artifacts://other/1", hint},
		{"mlflow-artifacts://8080/1", "x", mlflow.ErrUnsupported, "does not serve mlflow-artifacts://8080/1", hint},
		{"mlflow-artifacts:1", "x", mlflow.ErrUnsupported, "does not serve mlflow-artifacts:1", hint},
		{"https://mlflow.corp:5000/api/2.0/mlflow-artifacts/artifacts/1", "x", mlflow.ErrUnsupported, "does not serve https://mlflow.corp:5000/api/2.0/mlflow-artifacts/artifacts/1", hint},
		{"http://mlflow.corp:5000/elsewhere/1", "x", mlflow.ErrUnsupported, "does not serve http://mlflow.corp:5000/elsewhere/1", hint},
		{"s3://bucket/1", "x", mlflow.ErrUnsupported, "does not serve s3://bucket/1", hint},
		{"/etc", "passwd", mlflow.ErrUnsupported, "does not serve /etc", hint},
		{"file:///etc", "passwd", mlflow.ErrUnsupported, "does not serve file:///etc", hint},
		{"mlflow-artifacts:/1/../2", "x", mlflow.ErrOutside, `is not asked for "/1/../2", which leads out of its folder`, ""},
		{"mlflow-artifacts:/1", "../2/x", mlflow.ErrOutside, `is not asked for "../2/x", which leads out of its folder`, ""},
		{"mlflow-artifacts:/1", "a%20b", mlflow.ErrUnsupported, `would take the name "a%20b" for another one`, ""},
		{"mlflow-artifacts:/1", "%2e%2e/x", mlflow.ErrUnsupported, `would take the name "%2e%2e/x" for another one`, ""},
		{"mlflow-artifacts:/1", "what?", mlflow.ErrUnsupported, `would take the name "what?" for another one`, ""},
	} {
		c, p := serve(t, Options{}, nil)
		_, err := NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: test.location}, test.file, 100, fetch.Stamp{})
		if !errors.Is(err, test.kind) || err.Error() != anonymous+test.want || mlflow.Hint(err) != test.hint || len(p.dialed) > 0 {
			t.Errorf("%d connections\ngot  %v (%s)\nwant %s", len(p.dialed), err, mlflow.Hint(err), test.want)
		}
		if test.kind != mlflow.ErrUnsupported || test.file != "x" {
			continue
		}
		for _, err := range NewArtifacts(c).List(t.Context(), fetch.Location{URI: test.location}, "", 1) {
			if !errors.Is(err, test.kind) || len(p.dialed) > 0 {
				t.Errorf("%d connections: %v", len(p.dialed), err)
			}
		}
	}
}

func TestAnUnclearAnswerAboutAFileIsDecidedByOneListing(t *testing.T) {
	const html500 = "<html><title>500 Internal Server Error</title></html>"
	listing := root + "?path=1%2Fr"
	file := root + "/1/r/MLmodel"
	for _, test := range []struct {
		name   string
		status int
		body   string
		listed string
		kind   error
		want   string
		asked  []string
	}{
		{"missing, 2.22", 500, html500, `{"path": "other", "is_dir": false}`, mlflow.ErrNotFound, "has no file 1/r/MLmodel", []string{file, listing}},
		{"missing, 3.17", 404, `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such artifact: '1/r/MLmodel'"}`, "", mlflow.ErrNotFound,
			"answered 404 RESOURCE_DOES_NOT_EXIST to the file 1/r/MLmodel: No such artifact: '1/r/MLmodel'", []string{file}},
		{"missing, of another program", 404, "", "", mlflow.ErrNotFound, "has no file 1/r/MLmodel", []string{file, listing}},
		{"a folder, 3.x", 400, `{"detail": "Artifact path refers to a directory"}`, `{"path": "MLmodel", "is_dir": true}`, mlflow.ErrNotFound,
			"has no file 1/r/MLmodel, but a folder", []string{file, listing}},
		{"a folder, 2.x", 500, html500, `{"path": "MLmodel", "is_dir": true}`, mlflow.ErrNotFound, "has no file 1/r/MLmodel, but a folder", []string{file, listing}},
		{"there, but refused", 400, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid path"}`, `{"path": "MLmodel"}`, mlflow.ErrUnsupported,
			"lists the file 1/r/MLmodel, but does not serve it", []string{file, listing}},
		{"there, and the server is ill", 500, html500, `{"path": "MLmodel"}`, mlflow.ErrUnavailable,
			"answered 500 to the file 1/r/MLmodel: 500 Internal Server Error. (tried 3 times)", []string{file, listing, file, file, file}},
		{"denied", 403, "", "", mlflow.ErrDenied, "answered 403 to the file 1/r/MLmodel", []string{file}},
		{"artifacts are off, 3.x", 503, `{"detail": "Artifact serving is disabled. Run"}`, "", mlflow.ErrUnsupported,
			"answered 503 to the file 1/r/MLmodel: Artifact serving is disabled. Run", []string{file}},
		{"too large", 200, strings.Repeat("x", 101), "", mlflow.ErrTooLarge, "answered the file 1/r/MLmodel with more than 100 bytes", []string{file}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &store{folders: map[string]string{"1/r": test.listed}}
			s.file = func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}
			c, _ := serve(t, Options{Sleep: noWait, MaxRetries: 2, InFlight: 1}, s.ServeHTTP)
			_, err := NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/r"}, "MLmodel", 100, fetch.Stamp{})
			if !errors.Is(err, test.kind) || err.Error() != anonymous+test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if diff := cmp.Diff(test.asked, s.asked); diff != "" {
				t.Error(diff)
			}
			var api *APIError
			if !errors.As(err, &api) || api.Status != test.status {
				t.Errorf("APIError %+v", api)
			}
		})
	}
}

func TestAListingThatFailsLeavesTheFileToRetries(t *testing.T) {
	asked := 0
	c, _ := serve(t, Options{Sleep: noWait}, func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch {
		case r.URL.RawQuery != "":
			w.WriteHeader(403)
		case asked < 5:
			w.WriteHeader(500)
		default:
			io.WriteString(w, "ok")
		}
	})
	f, err := NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/r"}, "MLmodel", 100, fetch.Stamp{})
	if err != nil || string(f.Data) != "ok" || asked != 5 {
		t.Errorf("asked %d times: %q, %v", asked, f.Data, err)
	}
}

func TestAFileThatDidNotChangeIsNotReadAgain(t *testing.T) {
	for _, test := range []struct {
		name      string
		etag      string
		since     string
		obeys     bool
		unchanged bool
	}{
		{"never read", `"a"`, ``, true, false},
		{"the same, 304", `"a"`, `"a"`, true, true},
		{"the same, 200", `"a"`, `"a"`, false, true},
		{"another", `"b"`, `"a"`, true, false},
		{"no ETag any more", ``, `"a"`, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				if test.etag != "" {
					w.Header().Set("ETag", test.etag)
				}
				if test.obeys && test.etag != "" && r.Header.Get("If-None-Match") == test.etag {
					w.WriteHeader(304)
					return
				}
				io.WriteString(w, "text")
			})
			f, err := NewArtifacts(c).ReadFile(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1"}, "x", 100, fetch.Stamp{ETag: test.since})
			if err != nil || f.Unchanged != test.unchanged || f.Stamp.ETag != test.etag || (len(f.Data) == 0) != test.unchanged {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

func TestListingShowsEachFolderWithWhatIsInIt(t *testing.T) {
	s := &store{folders: map[string]string{
		"1/m":          `{"path": "z", "is_dir": false, "file_size": 3}, {"path": "a b", "is_dir": true}, {"path": "MLmodel", "is_dir": false, "file_size": "7"}, {"path": "empty"}`,
		"1/m/a b":      `{"path": "deep", "is_dir": true}, {"path": "c", "file_size": 1}`,
		"1/m/a b/deep": `{"path": "d", "file_size": 2}`,
	}}
	c, _ := serve(t, Options{}, s.ServeHTTP)
	dir, file := func(p string) mlflow.FileInfo { return mlflow.FileInfo{Path: p, Dir: true} }, func(p string, n int64) mlflow.FileInfo { return mlflow.FileInfo{Path: p, Bytes: n} }
	for _, test := range []struct {
		path  string
		depth int
		want  []mlflow.FileInfo
		asked int
	}{
		{"", 1, []mlflow.FileInfo{file("MLmodel", 7), dir("a b"), file("empty", 0), file("z", 3)}, 1},
		{"", 2, []mlflow.FileInfo{file("MLmodel", 7), dir("a b"), file("a b/c", 1), dir("a b/deep"), file("empty", 0), file("z", 3)}, 2},
		{"", -1, []mlflow.FileInfo{file("MLmodel", 7), dir("a b"), file("a b/c", 1), dir("a b/deep"), file("a b/deep/d", 2), file("empty", 0), file("z", 3)}, 3},
		{"a b", -1, []mlflow.FileInfo{file("c", 1), dir("deep"), file("deep/d", 2)}, 2},
	} {
		s.asked = nil
		var got []mlflow.FileInfo
		for f, err := range NewArtifacts(c).List(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/m"}, test.path, test.depth) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || len(s.asked) != test.asked {
			t.Errorf("%q, %d levels: %d requests\n%s", test.path, test.depth, len(s.asked), diff)
		}
	}
	for range NewArtifacts(c).List(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/m"}, "", -1) {
		break // an iteration may be given up
	}
}

func TestListingThatCannotBe(t *testing.T) {
	loop := func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"files": [{"path": "d", "is_dir": true}]}`)
	}
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	for _, test := range []struct {
		name string
		h    http.HandlerFunc
		kind error
		want string
	}{
		{"not there", say(`{}`), mlflow.ErrNotFound, "has no files in the folder 1/m"},
		{"folders without end", loop, mlflow.ErrTooLarge, "lists folders in folders without end below 1/m"},
		{"a path for a name", say(`{"files": [{"path": "../../etc/passwd"}]}`), mlflow.ErrUnavailable, `lists a file with the name "../../etc/passwd"`},
		{"the folder itself", say(`{"files": [{"path": ".."}]}`), mlflow.ErrUnavailable, `lists a file with the name ".."`},
		{"denied", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, mlflow.ErrDenied, "answered 403 to the list of files in 1/m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := serve(t, Options{}, test.h)
			var last error
			for _, err := range NewArtifacts(c).List(t.Context(), fetch.Location{URI: "mlflow-artifacts:/1/m"}, "", -1) {
				last = err
			}
			if !errors.Is(last, test.kind) || last.Error() != anonymous+test.want {
				t.Errorf("got  %v\nwant %s", last, test.want)
			}
		})
	}
}
