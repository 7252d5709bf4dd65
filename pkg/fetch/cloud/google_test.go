//go:build !nocloud

package cloud_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/cloud"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A fakeGoogle answers what the tests ask of the JSON API of Cloud Storage.
type fakeGoogle struct {
	spoilt int // answers that are yet to be 503
	asked  []string
}

func (f *fakeGoogle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const bucket = "/storage/v1/b/bucket/o"
	f.asked = append(f.asked, r.URL.EscapedPath())
	name, isObject := strings.CutPrefix(r.URL.Path, bucket+"/")
	switch {
	case f.spoilt > 0:
		f.spoilt--
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == bucket:
		f.list(w, r)
	case isObject && name == "1/m/../a b#ü?":
		w.Header().Set("X-Goog-Generation", "17")
		fmt.Fprint(w, "bytes")
	case isObject && name == "1/m/packed":
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		fmt.Fprint(packed, "unpacked")
		_ = packed.Close()
	case isObject && name == "1/m/secret":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error": {"code": 403, "message": "you may not storage.objects.get"}}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "No such object: bucket/"+name)
	}
}

// list has a page of a folder and a file, and one of a file.
func (f *fakeGoogle) list(w http.ResponseWriter, r *http.Request) {
	page := map[string]any{"items": []map[string]string{{"name": "1/m/z", "size": "3"}}}
	if r.URL.Query().Get("pageToken") == "" {
		page = map[string]any{"prefixes": []string{"1/m/data/"}, "items": []map[string]string{{"name": "1/m/MLmodel", "size": "5"}}, "nextPageToken": "more+"}
	} else if r.URL.Query().Get("pageToken") != "more+" {
		w.WriteHeader(http.StatusBadRequest)
	}
	if r.URL.Query().Get("delimiter") != "/" || r.URL.Query().Get("prefix") != "1/m/" {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(page)
}

func openGoogle(t *testing.T, f *fakeGoogle) *cloud.Artifacts {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	a := cloud.New(cloud.Options{Google: cloud.Google{Endpoint: server.URL}})
	t.Cleanup(a.Close)
	return a
}

func TestAFileOfGoogleIsReadByItsNameAsItIs(t *testing.T) {
	f := &fakeGoogle{spoilt: 1}
	a := openGoogle(t, f)
	at := fetch.Location{URI: "gs://bucket/1/m/../a b#ü?"}
	first, err := a.ReadFile(t.Context(), at, "", 100, fetch.Stamp{})
	if err != nil || string(first.Data) != "bytes" || first.Stamp.ETag != "17" {
		t.Fatalf("%+v, %v", first, err)
	}
	const path = "/storage/v1/b/bucket/o/1%2Fm%2F..%2Fa%20b%23%C3%BC%3F"
	if want := []string{path, path}; !cmp.Equal(want, f.asked) {
		t.Errorf("asked %q, want a second time after status 503", f.asked)
	}
	again, err := a.ReadFile(t.Context(), at, "", 100, first.Stamp)
	if err != nil || !again.Unchanged {
		t.Errorf("%+v, %v: the file did not change", again, err)
	}
	packed, err := a.ReadFile(t.Context(), fetch.Location{URI: "gs://bucket/1/m"}, "packed", 100, fetch.Stamp{})
	if err != nil || string(packed.Data) != "unpacked" {
		t.Errorf("%q, %v", packed.Data, err)
	}
}

func TestWhatGoogleRefusesIsToldApart(t *testing.T) {
	a := openGoogle(t, &fakeGoogle{})
	at := fetch.Location{URI: "gs://bucket/1/m"}
	_, err := a.ReadFile(t.Context(), at, "secret", 100, fetch.Stamp{})
	if want := "reading gs://bucket/1/m/secret: you may not storage.objects.get (status 403)"; !errors.Is(err, mlflow.ErrDenied) || err.Error() != want ||
		!strings.Contains(mlflow.Hint(err), "gcloud auth") {
		t.Errorf("%v, hint %q", err, mlflow.Hint(err))
	}
	if _, err = a.ReadFile(t.Context(), at, "none", 100, fetch.Stamp{}); !errors.Is(err, mlflow.ErrNotFound) {
		t.Error(err)
	}
}

func TestAFolderOfGoogleIsListedInPages(t *testing.T) {
	got, err := list(t, openGoogle(t, &fakeGoogle{}), "gs://bucket/1/m", 1)
	want := []mlflow.FileInfo{{Path: "MLmodel", Bytes: 5}, {Path: "data", Dir: true}, {Path: "z", Bytes: 3}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
}
