//go:build unix

package mlflowtest

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRealServerStartsAndEndsWithItsTest(t *testing.T) {
	for version, backend := range map[string]string{MLflow2: "sqlite", MLflow3: "folder"} {
		Python(t, version)
		var url string
		t.Run(version+" "+backend, func(t *testing.T) {
			s := StartServer(t, ServerOptions{Version: version, Backend: backend, Workers: 2})
			url = s.URL
			if got := get(t, url+"/version"); got != version {
				t.Errorf("the server says it is version %q, want %q", got, version)
			}
			if _, err := os.Stat(s.Database + s.Folder); err != nil {
				t.Errorf("the store: %v", err)
			}
		})
		if answer, err := http.Get(url + "/health"); err == nil {
			_ = answer.Body.Close()
			t.Errorf("%s still answers: %s", url, answer.Status)
		} else if !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
	}
}

// A port that was free may be taken before the server has it: then somebody
// else answers, and well.
func TestAnotherProgramAtThePortIsNotTakenForTheServer(t *testing.T) {
	Python(t, MLflow3)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer other.Close()
	s := layout(t, ServerOptions{})
	defer s.Stop()
	err := s.start(ServerOptions{}, other.Listener.Addr().(*net.TCPAddr).Port)
	if err == nil || !strings.Contains(strings.ToLower(s.output.tail(8000)), "address already in use") {
		t.Errorf("started: %v", err)
	}
}

// unable is what a store refuses in the test world; anything else that is
// skipped means that the world lost something.
func unable(backend string) []string {
	if backend == "folder" {
		return []string{"version of '100%_sure': RestException"}
	}
	return nil
}

func TestWorldHoldsTheSameObjectsWhateverTheStore(t *testing.T) {
	for _, version := range []string{MLflow2, MLflow3} {
		var names [2][]string
		for i, backend := range []string{"sqlite", "folder"} {
			t.Run(version+" "+backend, func(t *testing.T) {
				dir, ids := WorldStore(t, version, backend)
				if diff := cmp.Diff(unable(backend), ids.Skipped, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("what MLflow could not do (-want +got):\n%s", diff)
				}
				if len(ids.Versions) < 40 || len(ids.Runs) < 40 {
					t.Errorf("only %d versions and %d runs", len(ids.Versions), len(ids.Runs))
				}
				names[i] = worldNames(ids)
				wantNoPathOf(t, dir, filepath.Join(Root(t), ".cache"))
			})
		}
		if diff := cmp.Diff(names[0], names[1]); diff != "" {
			t.Errorf("MLflow %s: database (-) and folder (+) hold different worlds:\n%s", version, diff)
		}
	}
}

// worldNames lists all names that every store can hold.
func worldNames(ids WorldIDs) []string {
	names := slices.Concat(ids.Versions, slices.Collect(maps.Keys(ids.Runs)), slices.Collect(maps.Keys(ids.Experiments)), slices.Collect(maps.Keys(ids.LoggedModels)))
	names = slices.DeleteFunc(names, func(n string) bool { return strings.Contains(n, "100%_sure") })
	slices.Sort(names)
	return names
}

// wantNoPathOf checks that no file below dir mentions a path: a store that
// does would break when it is copied.
func wantNoPathOf(t *testing.T, dir, path string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		if bytes.Contains(data, []byte(path)) {
			t.Errorf("%s mentions %s", file, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestServerOverTheWorldAnswersForItsVersions(t *testing.T) {
	s := World(t, MLflow3, "sqlite")
	for _, want := range []string{`"name": "Sklearn_Wine"`, `"alias": "champion"`, `"version": "2"`} {
		if answer := get(t, s.URL+"/api/2.0/mlflow/registered-models/get?name=Sklearn_Wine"); !strings.Contains(answer, want) {
			t.Errorf("no %s in %s", want, answer)
		}
	}
	location := "/api/2.0/mlflow-artifacts/artifacts/" + s.IDs.Experiments["wine"] + "/" + s.IDs.Runs["wine-5"] + "/artifacts/notes/deep/er/readme.txt"
	if got := get(t, s.URL+location); got != "plain" {
		t.Errorf("the run's artifact is %q, want %q", got, "plain")
	}
}
