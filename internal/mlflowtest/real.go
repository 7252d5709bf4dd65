//go:build unix

package mlflowtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The versions of MLflow that tests run: the last of the 2 series, and a 3.
// `make test` installs both; scripts/mlflow-env makes the environment of any other.
const (
	MLflow2 = "2.22.1"
	MLflow3 = "3.17.2"
)

// stampFile lies in an environment that scripts/mlflow-env finished.
const stampFile = "mlreport-requirements.txt"

// Python returns the interpreter of the virtual environment with real MLflow
// of this version. Without one the test is skipped, or fails under CI=true,
// and says on stderr how to make it. With -short, every such test is skipped.
func Python(t testing.TB, version string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out real servers")
	}
	env := filepath.Join(Root(t), ".cache", "mlflow-"+version)
	python := filepath.Join(env, "bin", "python")
	_, noStamp := os.Stat(filepath.Join(env, stampFile))
	_, noPython := os.Stat(python)
	if noStamp != nil || noPython != nil {
		missing(t, fmt.Sprintf("no environment with MLflow %s; make it with: scripts/mlflow-env %s", version, version))
	}
	return python
}

// missing ends a test that lacks something it needs, loudly: `go test` hides
// the reason of a skip unless asked, so it goes to stderr, too.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s cannot run: %s", t.Name(), what)
	}
	fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n", t.Name(), what)
	t.Skip(what)
}

// Root returns the folder of the module: where go.mod is.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("no go.mod above the current folder (%v)", err)
	return ""
}

// realEnv is the environment of a real MLflow: this process's without its
// MLflow settings, quiet, and the same user on every machine.
func realEnv(extra ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		proxy := strings.HasSuffix(strings.ToLower(name), "_proxy")
		if !strings.HasPrefix(name, "MLFLOW_") && !strings.HasPrefix(name, "PYTHON") && !proxy {
			env = append(env, e)
		}
	}
	env = append(env,
		"LOGNAME=tester", "USER=tester", // `mlflow.user`, `user_id`
		"MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true",
		"MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false", // 3.x: another process that nothing here needs
		"MLFLOW_ALLOW_FILE_STORE=true",             // 3.x refuses an mlruns folder without it
		"GIT_PYTHON_REFRESH=quiet", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore",
		"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
	)
	return append(env, extra...)
}
