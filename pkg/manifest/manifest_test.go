package manifest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

var update = flag.Bool("update", false, "write what the program says into the test files")

// files that glob finds; none is a mistake of the test.
func files(t testing.TB, glob string) []string {
	t.Helper()
	list, err := filepath.Glob(glob)
	if err != nil || len(list) == 0 {
		t.Fatalf("no files %s (%v)", glob, err)
	}
	return list
}

// optionsOf are the environment and the files that a test file holds.
func optionsOf(ar *txtar.Archive) Options {
	env := map[string]string{}
	content := map[string]string{}
	for _, f := range ar.Files {
		if f.Name == "env" {
			for line := range strings.Lines(string(f.Data)) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				env[name] = value
			}
		}
		if name, ok := strings.CutPrefix(f.Name, "file "); ok {
			content["/home/me/manifests/"+name] = string(f.Data)
		}
	}
	return Options{
		File:      "m.yaml",
		Dir:       "/home/me/manifests",
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			data, ok := content[filepath.ToSlash(path)]
			switch {
			case !ok:
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			case data == "BINARY\n":
				return []byte{0xff, 0xfe}, nil
			case data == "HUGE\n":
				return make([]byte, maxFilled+1), nil
			}
			return []byte(data), nil
		},
	}
}

func section(t testing.TB, ar *txtar.Archive, name string) *txtar.File {
	t.Helper()
	for i := range ar.Files {
		if ar.Files[i].Name == name {
			return &ar.Files[i]
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

// printed is how a user sees mistakes.
func printed(t *testing.T, err error) string {
	t.Helper()
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || !errors.Is(err, mlflow.ErrInvalid) {
		t.Fatalf("the error is %T %v", err, err)
	}
	var b strings.Builder
	for _, m := range mistakes {
		fmt.Fprintln(&b, m)
		if m.Hint != "" {
			fmt.Fprintln(&b, "  hint: "+m.Hint)
		}
	}
	return b.String()
}

// Each file holds a manifest, and all that is wrong with it.
func TestReportsAllMistakesAtOnce(t *testing.T) {
	for _, path := range files(t, "testdata/mistakes/*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Parse(section(t, ar, "manifest.yaml").Data, optionsOf(ar))
			if m != nil || err == nil {
				t.Fatal("no mistakes")
			}
			got, want := printed(t, err), section(t, ar, "mistakes")
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret shows:\n%s", got)
			}
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAHugeManifestIsRefused(t *testing.T) {
	_, err := Parse(bytes.Repeat([]byte("#"), maxBytes+1), Options{File: "-"})
	if got := printed(t, err); got != "-:1:1: the manifest is larger than 16 MiB\n  hint: use a selector in place of single models\n" {
		t.Error(got)
	}
}
