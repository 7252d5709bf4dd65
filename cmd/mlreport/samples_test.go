package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write samples/open_source anew")

// samplesTime is the time in the committed samples.
const samplesTime = "1795420800" // 2026-11-23 08:00:00

// sampleRun is the run that samples/open_source/runs shows.
const sampleRun = "credit_risk_scorecard"

// command runs one command line in a folder, in this process.
func command(t *testing.T, dir string, vars map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	e := &env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: dir, Now: time.Now,
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
	}
	code = execute(context.Background(), args, e)
	return out.String(), errs.String(), code
}

func TestSamplesAreWhatTheManifestsMake(t *testing.T) {
	const committed = "../../samples/open_source"
	fresh := filepath.Join(t.TempDir(), "open_source")
	makeSamples(t, fresh)
	if *update {
		if err := os.RemoveAll(committed); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(committed, os.DirFS(fresh)); err != nil {
			t.Fatal(err)
		}
	}
	want, got := readTree(t, committed), readTree(t, fresh)
	if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); d != "" {
		t.Fatalf("the files differ; `make golden` writes them anew (-committed +made):\n%s", d)
	}
	for name := range want {
		if d := cmp.Diff(want[name], got[name]); d != "" {
			t.Errorf("%s differs; `make golden` writes it anew (-committed +made):\n%s", name, d)
		}
	}
}

func makeSamples(t *testing.T, out string) {
	t.Helper()
	vars := map[string]string{"SOURCE_DATE_EPOCH": samplesTime}
	if _, stderr, code := command(t, ".", vars, "run", "../../manifests/open_source.yaml", "--out", out); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if err := os.Remove(filepath.Join(out, ".mlreport.notes")); err != nil { // about this machine
		t.Fatal(err)
	}
	row := readTree(t, out)["mlflow_objects/model_versions/"+sampleRun+"/3.json"]
	_, id, _ := strings.Cut(row, `"run_id": "`)
	for name, flag := range map[string]string{"run.json": "--get-raw=false", "run_raw.json": "--get-raw"} {
		file := filepath.Join(out, "runs", name)
		store := []string{"--tracking-uri", "sqlite:///../../samples/store/mlflow.db", "--silent", "--output-file", file}
		if _, stderr, code := command(t, ".", vars, append([]string{"get-run", "--run-id", id[:32], flag}, store...)...); code != exitOK {
			t.Fatalf("get-run: exit code %d: %s", code, stderr)
		}
	}
}

// readTree reads all files of a tree but for run.json, which tells of one
// batch, and the lock.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "run.json" || path == ".mlreport.lock" || path == ".mlreport.notes" {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	return files
}

func TestASecondRunChangesNothingButRunJSON(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	run := func(epoch string) {
		if _, stderr, code := command(t, ".", map[string]string{"SOURCE_DATE_EPOCH": epoch}, "run", "../../manifests/open_source.yaml", "--out", out); code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
	}
	run(samplesTime)
	before, times := readTree(t, out), fileTimes(t, out)
	run("1795507200") // a day later
	if d := cmp.Diff(before, readTree(t, out)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(times, fileTimes(t, out)); d != "" {
		t.Errorf("files were written again:\n%s", d)
	}
}

func fileTimes(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	for name := range readTree(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		times[name] = info.ModTime()
	}
	return times
}

// The first command of the README, as a new user types it.
func TestQuickStart(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	c := exec.Command("go", "run", "./cmd/mlreport", "run", "manifests/quickstart.yaml", "--out", out)
	c.Dir = root
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = io.Discard, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	full, partial := 0, 0
	for name, data := range readTree(t, out) {
		if !strings.HasSuffix(name, "/report.json") {
			continue
		}
		sections := 0
		for _, s := range []string{"mlflow_model", "run", "experiment", "registered_model", "model_version", "logged_model"} {
			if strings.Contains(data, "\n  \""+s+"\": {") {
				sections++
			}
		}
		if sections == 6 {
			full++
		}
		if strings.Contains(data, `"level": "gap"`) {
			partial++
		}
	}
	if full < 6 || partial < 1 {
		t.Errorf("%d reports have all six sections, %d have gaps", full, partial)
	}
	if !strings.Contains(stderr.String(), out) || !strings.Contains(stderr.String(), "next: ") {
		t.Errorf("the summary does not say where the tree is and what comes next:\n%s", stderr.String())
	}
}
