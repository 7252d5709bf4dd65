package databricks_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	loggedModel = "dbfs:/databricks/mlflow-tracking/1204733326915655/logged_models/m-7d083f546d4a1f62319f03e41a4790ec/artifacts"
	someRun     = "dbfs:/databricks/mlflow-tracking/1204733326915655/212b05909026c83a40bb4d6723f00d0d/artifacts"
	volume      = "dbfs:/Volumes/main/risk/models/old_scorecard"
	folderDBFS  = "dbfs:/FileStore/models/older_scorecard"
)

func versionAt(model string, n int64) fetch.Location {
	return fetch.Location{URI: "s3://bank-unity-catalog/somewhere", Version: mlflow.VersionID{Model: model, Version: n}}
}

// places are locations of all kinds, each with a file MLmodel.
func places(unityCatalog bool) map[string]fetch.Location {
	m := map[string]fetch.Location{
		"run": {URI: someRun + "/model"}, "logged model": {URI: loggedModel}, "volume": {URI: volume}, "path of a volume": {URI: strings.TrimPrefix(volume, "dbfs:")}, "DBFS": {URI: folderDBFS},
	}
	if unityCatalog {
		m["Unity Catalog"] = versionAt("main.risk.churn", 1)
	} else {
		m["registry"] = versionAt("credit_risk", 1)
	}
	return m
}

func TestReadsAndListsFilesOfAllKinds(t *testing.T) {
	for name, o := range map[string]mlflowtest.FakeWorkspaceOptions{
		"Files API": {FilesAPI: true}, "signed URLs": {DefaultMode: true}, "URLs that end their life": {DefaultMode: true, Expired: true}, "too many requests": {DefaultMode: true, TooMany: 3, PageSize: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := mlflowtest.StartWorkspace(t, o)
			for _, unityCatalog := range []bool{false, true} {
				a := open(t, f, unityCatalog).Artifacts()
				for kind, at := range places(unityCatalog) {
					file, err := a.ReadFile(t.Context(), at, "MLmodel", 1<<20, fetch.Stamp{})
					if err != nil || !strings.Contains(string(file.Data), "flavors:") {
						t.Errorf("%s: %q, %v", kind, file.Data, err)
					}
					var got []string
					for info, err := range a.List(t.Context(), at, "", -1) {
						if err != nil {
							t.Fatalf("%s: %v", kind, err)
						}
						got = append(got, info.Path)
						if info.Path == "conda.yaml" && info.Bytes != 37 {
							t.Errorf("%s: conda.yaml has %d bytes", kind, info.Bytes)
						}
					}
					same(t, "MLmodel conda.yaml metadata metadata/MLmodel model.pkl", strings.Join(got, " "))
				}
			}
		})
	}
}

func TestTellsMissingFilesFromForbiddenOnes(t *testing.T) {
	for _, o := range []mlflowtest.FakeWorkspaceOptions{{FilesAPI: true}, {DefaultMode: true}, {DefaultMode: true, NoListing: true}} {
		f := mlflowtest.StartWorkspace(t, o)
		for _, unityCatalog := range []bool{false, true} {
			a := open(t, f, unityCatalog).Artifacts()
			for kind, at := range places(unityCatalog) {
				if _, err := a.ReadFile(t.Context(), at, "no such file", 1<<20, fetch.Stamp{}); !errors.Is(err, mlflow.ErrNotFound) {
					t.Errorf("%+v, %s: %v", o, kind, err)
				}
				if _, err := a.ReadFile(t.Context(), at, "MLmodel", 10, fetch.Stamp{}); !errors.Is(err, mlflow.ErrTooLarge) {
					t.Errorf("%+v, %s, limit: %v", o, kind, err)
				}
				if _, err := a.ReadFile(t.Context(), at, "../x", 10, fetch.Stamp{}); !errors.Is(err, mlflow.ErrOutside) {
					t.Errorf("%+v, %s, outside: %v", o, kind, err)
				}
				for _, err := range a.List(t.Context(), at, "no such folder", -1) {
					if !errors.Is(err, mlflow.ErrNotFound) {
						t.Errorf("%+v, %s, folder: %v", o, kind, err)
					}
				}
			}
		}
	}
}

func TestReadsLargeFilesOfDBFSInBlocks(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	text := strings.Repeat("0123456789abcdef", 3<<16) // 3 MB
	f.World().Object("files").Set("dbfs:/big/MLmodel", text)
	file, err := open(t, f, false).Artifacts().ReadFile(t.Context(), fetch.Location{URI: "dbfs:/big"}, "MLmodel", 16<<20, fetch.Stamp{})
	if err != nil || string(file.Data) != text {
		t.Errorf("%d bytes, %v", len(file.Data), err)
	}
}

func TestLeavesLocationsOfOthersAlone(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	a := open(t, f, true).Artifacts()
	for _, uri := range []string{"s3://b/x", "https://evil.example/x", "dbfs://other@databricks/x", "dbfs:/../etc", "/etc", "file:///Volumes/x", "dbfs:/databricks/mlflow-registry/ab/models/m", "mlflow-artifacts:/1"} {
		at := fetch.Location{URI: uri}
		_, err := a.ReadFile(t.Context(), at, "MLmodel", 10, fetch.Stamp{})
		if a.Serves(at) || !errors.Is(err, mlflow.ErrUnsupported) {
			t.Errorf("%s: %v, %v", uri, a.Serves(at), err)
		}
	}
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// A URL that leads from https to http, or that has a login in it, is not used.
func TestUsesNoURLThatIsNotSafe(t *testing.T) {
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{})
	for _, url := range []string{"ftp://x/y", "http://u:p@127.0.0.1:1/x", "x", ""} {
		f.Fail(mlflowtest.Fault{Endpoint: "model-versions/get-signed-download-uri", Body: `{"signed_uri": "` + url + `"}`, Times: 1})
		_, err := open(t, f, false).Artifacts().ReadFile(t.Context(), versionAt("credit_risk", 1), "MLmodel", 10, fetch.Stamp{})
		if !errors.Is(err, mlflow.ErrUnavailable) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

var _ fetch.Artifacts = (*databricks.Artifacts)(nil)
