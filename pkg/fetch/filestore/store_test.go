package filestore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// files are the files of a store: path and content.
type files map[string]string

// The smallest experiment, registered model and version; tests add to them.
const (
	exp12   = "artifact_location: mlflow-artifacts:/12\nexperiment_id: '12'\nlifecycle_stage: active\nname: twelve\n"
	model   = "creation_timestamp: 1\ndescription: null\nlast_updated_timestamp: 2\nname: m\n"
	version = "creation_timestamp: 1\ncurrent_stage: None\ndescription: ''\nlast_updated_timestamp: 2\nname: m\nrun_id: ''\nrun_link: ''\nsource: s3://b/m\nstatus: READY\nstorage_location: null\nuser_id: null\n"
)

// run is the meta.yaml of a run of experiment 12, as MLflow 3 writes it.
func run(id string, more ...string) string {
	return "artifact_uri: mlflow-artifacts:/12/" + id + "/artifacts\nend_time: null\nexperiment_id: '12'\nlifecycle_stage: active\nrun_id: " + id +
		"\nrun_name: n\nstart_time: 5\nstatus: 3\nuser_id: u\n" + strings.Join(more, "\n") + "\n"
}

// write makes the files below dir.
func write(t *testing.T, dir string, all files) {
	t.Helper()
	for name, content := range all {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// open opens a store that holds experiment 12 and these files.
func open(t *testing.T, all files) *Store {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, files{"12/meta.yaml": exp12})
	write(t, dir, all)
	return reopen(t, dir)
}

func reopen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func getRun(t *testing.T, s *Store, id string, in ...string) (mlflow.Run, error) {
	t.Helper()
	r, err := s.Runs(t.Context(), []string{id}, in)
	if err != nil {
		t.Fatal(err)
	}
	return r[id].Value, r[id].Err
}

func getVersion(t *testing.T, s *Store, name string, n int64) (*mlflow.Object, string, error) {
	t.Helper()
	id := mlflow.VersionID{Model: name, Version: n}
	r, err := s.Versions(t.Context(), []mlflow.VersionID{id})
	if err != nil {
		t.Fatal(err)
	}
	return r[id].Value.Object, r[id].Value.DownloadURI, r[id].Err
}

func getModel(t *testing.T, s *Store, name string) (mlflow.RegisteredModel, error) {
	t.Helper()
	r, err := s.Models(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	return r[name].Value, r[name].Err
}

func getExperiment(t *testing.T, s *Store, id string) (mlflow.Experiment, error) {
	t.Helper()
	r, err := s.Experiments(t.Context(), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	return r[id].Value, r[id].Err
}

func getLoggedModel(t *testing.T, s *Store, id string, in ...string) (mlflow.LoggedModel, error) {
	t.Helper()
	r, err := s.LoggedModels(t.Context(), []string{id}, in)
	if err != nil {
		t.Fatal(err)
	}
	return r[id].Value, r[id].Err
}

// want compares a value with JSON.
func want(t *testing.T, v any, text string) {
	t.Helper()
	expected, err := mlflow.DecodeStrict(text)
	if err != nil {
		t.Fatalf("the test is wrong: %v", err)
	}
	if diff := cmp.Diff(string(mlflow.EncodeReport(expected)), string(mlflow.EncodeReport(v))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// wantError wants an error of a kind whose text holds all of parts.
func wantError(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want %v", err, kind)
		return
	}
	for _, p := range parts {
		if text := err.Error() + " (" + mlflow.Hint(err) + ")"; !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
}

func TestOpenSaysWhatIsWrongWithAFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, files{
		"file":                          "x",
		"project/mlruns/0/meta.yaml":    "experiment_id: '0'\nname: Default\n",
		"withdb/mlflow.db":              "x",
		"empty/readme":                  "x",
		"registry/models/m/meta.yaml":   model,
		"trashed/.trash/12/meta.yaml":   exp12,
		"broken/12/meta.yaml":           "{",
		"notmeta/12/run1/meta.yaml":     run("run1"),
		"onlymodels/models/readme.text": "x",
	})
	for name, expected := range map[string][]string{
		"nothing":             {"there is no such folder", "check the path"},
		"file":                {"it is not a folder", "sqlite:///" + filepath.ToSlash(filepath.Join(dir, "file"))},
		"project":             {"no experiments and no registered models", "did you mean " + filepath.Join(dir, "project", "mlruns")},
		"withdb":              {"did you mean the database, sqlite:///" + filepath.ToSlash(filepath.Join(dir, "withdb", "mlflow.db"))},
		"empty":               {"no experiments", "one folder per experiment"},
		"project/mlruns/0":    {"this looks like a part of a store; did you mean " + filepath.Join(dir, "project", "mlruns")},
		"onlymodels":          {"no experiments"},
		"notmeta":             {"no experiments"},
		"project/mlruns/0/..": nil,
		"registry":            nil,
		"trashed":             nil,
		"broken":              nil, // its experiment says what is wrong
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), Options{Dir: filepath.Join(dir, name)})
			if expected == nil {
				if err != nil {
					t.Fatal(err)
				}
				if s.Dir() != filepath.Join(dir, name) {
					t.Errorf("Dir is %s", s.Dir())
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			kind := mlflow.ErrInvalid
			if name == "nothing" {
				kind = mlflow.ErrNotFound
			}
			wantError(t, err, kind, append(expected, "opening the folder store "+filepath.Join(dir, name))...)
		})
	}
	if _, err := Open(t.Context(), Options{Dir: "mlruns"}); !errors.Is(err, mlflow.ErrInvalid) {
		t.Errorf("a relative path: %v", err)
	}
}

func TestACallThatIsCutOffIsAnError(t *testing.T) {
	s := open(t, files{"12/r1/meta.yaml": run("r1"), "models/m/meta.yaml": model})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Runs(ctx, []string{"r1"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Runs: %v", err)
	}
	for _, err := range s.ListModels(ctx, fetchQuery()) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ListModels: %v", err)
		}
	}
	if r, err := getRun(t, s, "r1"); err != nil || r.ID() != "r1" {
		t.Errorf("after a call that was cut off: %v, %v", r.Object, err)
	}
}
