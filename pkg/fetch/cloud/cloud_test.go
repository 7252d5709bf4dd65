//go:build !nocloud

package cloud_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/cloud"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A fakeS3 answers what the tests ask of Amazon's protocol.
type fakeS3 struct {
	keys     []string // in order; an object holds its key
	status   int      // of every answer, when not 0
	requests []string
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	if f.status != 0 {
		w.WriteHeader(f.status)
		fmt.Fprint(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
		return
	}
	if r.URL.Query().Get("list-type") == "2" {
		f.list(w, r)
		return
	}
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	for _, k := range f.keys {
		if k == key {
			w.Header().Set("ETag", `"`+strconv.Itoa(len(k))+`"`)
			fmt.Fprint(w, k)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message>there is none</Message></Error>`)
}

func (f *fakeS3) list(w http.ResponseWriter, r *http.Request) {
	type row struct {
		Key          string
		Size         int
		LastModified string
	}
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []row
	}
	q := r.URL.Query()
	start, _ := strconv.Atoi(q.Get("continuation-token"))
	for i, key := range f.keys[start:] {
		if len(page.Contents) == 1000 {
			page.IsTruncated, page.NextContinuationToken = true, strconv.Itoa(start+i)
			break
		}
		if strings.HasPrefix(key, q.Get("prefix")) {
			page.Contents = append(page.Contents, row{key, len(key) * (1 - strings.Count(key, "empty")), "2026-10-01T00:00:00Z"})
		}
	}
	if err := xml.NewEncoder(w).Encode(page); err != nil {
		panic(err)
	}
}

func open(t *testing.T, f *fakeS3) *cloud.Artifacts {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	a := cloud.New(cloud.Options{S3: cloud.S3{Endpoint: server.URL, PathStyle: true, Unsigned: true}})
	t.Cleanup(a.Close)
	return a
}

func list(t *testing.T, a *cloud.Artifacts, uri string, depth int) ([]mlflow.FileInfo, error) {
	t.Helper()
	var all []mlflow.FileInfo
	for f, err := range a.List(t.Context(), fetch.Location{URI: uri}, "", depth) {
		if err != nil {
			return all, err
		}
		all = append(all, f)
	}
	return all, nil
}

func TestAFileIsReadWithOneRequestAndItsStampTellsWhetherItChanged(t *testing.T) {
	s3 := &fakeS3{keys: []string{"1/model/MLmodel"}}
	a := open(t, s3)
	at := fetch.Location{URI: "s3://bucket/1/model/"}
	first, err := a.ReadFile(t.Context(), at, "MLmodel", 100, fetch.Stamp{})
	if err != nil || string(first.Data) != "1/model/MLmodel" {
		t.Fatalf("%q, %v", first.Data, err)
	}
	again, err := a.ReadFile(t.Context(), at, "MLmodel", 100, first.Stamp)
	if err != nil || !again.Unchanged || again.Data != nil {
		t.Errorf("%+v, %v: the file did not change", again, err)
	}
	if _, err := a.ReadFile(t.Context(), at, "MLmodel", 5, fetch.Stamp{}); !errors.Is(err, mlflow.ErrTooLarge) {
		t.Errorf("five bytes were the limit: %v", err)
	}
	if want := []string{"GET /bucket/1/model/MLmodel", "GET /bucket/1/model/MLmodel", "GET /bucket/1/model/MLmodel"}; !cmp.Equal(want, s3.requests) {
		t.Errorf("requests: %q", s3.requests)
	}
}

func TestWhatIsWrongWithAFileIsToldApart(t *testing.T) {
	s3 := &fakeS3{}
	a := open(t, s3)
	at := fetch.Location{URI: "s3://bucket/1"}
	_, err := a.ReadFile(t.Context(), at, "MLmodel", 100, fetch.Stamp{})
	if want := "reading s3://bucket/1/MLmodel: NoSuchKey: there is none"; !errors.Is(err, mlflow.ErrNotFound) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := list(t, a, "s3://bucket/1", -1); !errors.Is(err, mlflow.ErrNotFound) {
		t.Errorf("an empty folder is not there: %v", err)
	}
	s3.status = http.StatusForbidden
	_, err = a.ReadFile(t.Context(), at, "MLmodel", 100, fetch.Stamp{})
	if !errors.Is(err, mlflow.ErrDenied) || !strings.Contains(mlflow.Hint(err), "AWS_ACCESS_KEY_ID") {
		t.Errorf("%v, hint %q", err, mlflow.Hint(err))
	}
}

func TestAFolderOfTenThousandFilesIsListedOnce(t *testing.T) {
	s3 := &fakeS3{}
	for i := range 10_000 {
		s3.keys = append(s3.keys, fmt.Sprintf("1/model/%05d.bin", i))
	}
	files, err := list(t, open(t, s3), "s3://bucket/1/model", -1)
	if err != nil || len(files) != 10_000 || len(s3.requests) != 10 {
		t.Errorf("%d files with %d requests, %v: want ten pages of one listing", len(files), len(s3.requests), err)
	}
}

func TestKeysAreATreeOfFilesAndFolders(t *testing.T) {
	s3 := &fakeS3{keys: []string{"1/m", "1/m/MLmodel", "1/m/a b/", "1/m/a b/c/x", "1/m/empty", "1/m/empty-folder", "1/m/empty-folder/y", "1/mm/other"}}
	got, err := list(t, open(t, s3), "s3://bucket/1/m", -1)
	want := []mlflow.FileInfo{
		{Path: "MLmodel", Bytes: 11}, {Path: "a b", Dir: true}, {Path: "a b/c", Dir: true}, {Path: "a b/c/x", Bytes: 11},
		{Path: "empty-folder", Dir: true}, {Path: "empty"}, {Path: "empty-folder/y"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	got, err = list(t, open(t, s3), "s3://bucket/1/m", 2)
	want = []mlflow.FileInfo{
		{Path: "MLmodel", Bytes: 11}, {Path: "a b", Dir: true}, {Path: "a b/c", Dir: true}, {Path: "empty-folder", Dir: true}, {Path: "empty"}, {Path: "empty-folder/y"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("two levels: %v, -want +got\n%s", err, diff)
	}
}

// A location comes from data: it must never choose the host that is asked.
func TestALocationChoosesABucketNeverAHost(t *testing.T) {
	s3 := &fakeS3{}
	a := open(t, s3)
	for _, uri := range []string{
		"s3://evil.example:8080/x", "s3://user:secret@evil.example/x", "s3://arn:aws:s3:us-east-1:1:accesspoint/x", "s3://../x", "s3:///x", "s3://evil.example%2f/x",
		"gs://UPPER/x", "gs://evil.example:80/x", "wasbs://c@evil.example/x", "wasbs://c@acct.blob.core.windows.net.evil.example/x", "abfss://c@acct/x",
		"abfss://a/b@acct.dfs.core.windows.net/x", "hdfs://h/x", "r2://b@evil.example/x",
	} {
		_, err := a.ReadFile(context.Background(), fetch.Location{URI: uri}, "MLmodel", 100, fetch.Stamp{})
		if !errors.Is(err, mlflow.ErrUnsupported) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if len(s3.requests) > 0 {
		t.Errorf("asked %q", s3.requests)
	}
}
