package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/sink"
)

var updateScripts = flag.Bool("update-scripts", false, "write what `cmp stdout` and `cmp stderr` of testdata/script expect")

// The program as a user meets it: each script of testdata/script types
// commands and says what is printed, where, and which exit code follows.
func TestScripts(t *testing.T) { testscript.Run(t, scripts(t, "script")) }

// scripts are those of a folder of testdata.
func scripts(t *testing.T, folder string) testscript.Params {
	samples, err := filepath.Abs("../../samples")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("testdata", folder)
	if found, err := filepath.Glob(filepath.Join(dir, "*.txtar")); err != nil || len(found) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	return testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *updateScripts,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values[testKey{}] = t
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("SAMPLES", samples)
			e.Setenv("STORE", "sqlite:///store/mlflow.db")
			e.Setenv("SOURCE_DATE_EPOCH", samplesTime)
			e.Setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
			e.Setenv(stillClock, "1")
			return os.Symlink(filepath.Join(samples, "store"), filepath.Join(e.WorkDir, "store"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"brief": brief,
			"exits": exits,
			"fake":  startFake,
			"hold":  hold,
			"json":  isJSON,
			"store": makeStore,
			"tree":  listTree,
		},
	}
}

// exits CODE COMMAND... runs a command that must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		code = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// fake VERSION [FAULT] starts a server that behaves as that MLflow, with the
// small world of mlflowtest; its address is $FAKE. FAULT is what it answers to
// everything: a status, `login` for a login page, or other text as it is.
func startFake(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && len(args) != 2 {
		ts.Fatalf("usage: fake VERSION [FAULT]")
	}
	f := mlflowtest.StartFake(ts.Value(testKey{}).(testing.TB), mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{Version: args[0]})
	if len(args) == 2 {
		status, err := strconv.Atoi(args[1])
		switch {
		case err == nil:
			f.Fail(mlflowtest.Fault{Status: status})
		case args[1] == "login":
			f.Fail(mlflowtest.Fault{LoginPage: true})
		default:
			f.Fail(mlflowtest.Fault{Body: args[1]})
		}
	}
	ts.Setenv("FAKE", f.URL)
}

// hold DIR makes the test itself the batch that writes to a tree, until the
// script ends.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DIR")
	}
	tree, err := sink.Open(context.Background(), sink.Options{Dir: ts.MkAbs(args[0]), Now: time.Now, Holder: "pid 4711 on build-3"})
	ts.Check(err)
	ts.Defer(func() { ts.Check(tree.Close()) })
}

// json FILE checks that a file, or `stdout`, holds JSON objects and nothing
// else, one final newline included.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	text := ts.ReadFile(args[0])
	ok := strings.HasSuffix(text, "}\n")
	d := jsontext.NewDecoder(strings.NewReader(text))
	for ok {
		v, err := d.ReadValue()
		if err == io.EOF {
			break
		}
		ok = err == nil && v.Kind() == '{'
	}
	if ok == neg {
		ts.Fatalf("JSON: %v", ok)
	}
}

// brief prints the objects of stdout again, without the files' names, sizes
// and hashes, and without the path of this machine.
func brief(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: brief")
	}
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		o, err := mlflow.DecodeJSON([]byte(line))
		ts.Check(err)
		if n := len(o.List("files")); n > 0 {
			o = o.With("files", mlflow.Number(strconv.Itoa(n)))
		}
		if s := o.Object("summary"); s != nil {
			o = o.With("summary", s.With("out", filepath.Base(s.Text("out"))))
		}
		_, err = fmt.Fprintf(ts.Stdout(), "%s\n", mlflow.JSON{}.Append(nil, o))
		ts.Check(err)
	}
}

// tree DIR prints the files of a folder, for `cmp stdout`.
func listTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tree DIR")
	}
	ts.Check(fs.WalkDir(os.DirFS(ts.MkAbs(args[0])), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = fmt.Fprintln(ts.Stdout(), path)
		}
		return err
	}))
}

type testKey struct{}
