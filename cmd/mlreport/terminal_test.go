//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// What people read on a terminal, narrow and wide, with colour and without:
// the scripts of testdata/terminal.
func TestTerminalScripts(t *testing.T) {
	s, err := newScreen(80, func(string) {})
	if err != nil {
		t.Skipf("NOT TESTED: what a terminal shows, because none can be made here: %v", err)
	}
	s.shown()
	s.outside.Close()
	p := scripts(t, "terminal")
	p.Cmds["terminal"] = onTerminal
	testscript.Run(t, p)
}

// terminal CODE COLUMNS COMMAND... runs a command that must end with that exit
// code on a terminal of that width, and prints for `cmp stdout` what stands
// there in the end. Escape characters are shown as ^[.
func onTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal CODE COLUMNS COMMAND...")
	}
	columns, err := strconv.ParseUint(args[1], 10, 16)
	ts.Check(err)
	s, err := newScreen(uint16(columns), func(string) {})
	ts.Check(err)
	defer s.outside.Close()
	program, err := os.Executable()
	ts.Check(err)
	c := &exec.Cmd{Path: program, Args: args[2:], Dir: ts.MkAbs("."), Stdin: s.inside, Stdout: s.inside, Stderr: s.inside}
	for _, name := range []string{"HOME", "SOURCE_DATE_EPOCH", stillClock, "NO_COLOR", "MLFLOW_TRACKING_URI", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"} {
		if v := ts.Getenv(name); v != "" {
			c.Env = append(c.Env, name+"="+v)
		}
	}
	c.Env = append(c.Env, "TERM=xterm-256color")
	err = c.Run()
	text := s.shown()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		ts.Fatalf("%v", err)
	}
	if code := strconv.Itoa(c.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("exit code %s, want %s:\n%s", code, args[0], text)
	}
	if i := strings.LastIndex(text, "\x1b[J"); i >= 0 { // bars, which are taken away
		text = text[i+len("\x1b[J"):]
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasSuffix(line, " ") }) {
		ts.Fatalf("blanks at the end of a line:\n%q", text)
	}
	_, err = fmt.Fprint(ts.Stdout(), strings.NewReplacer("\x1b", "^[", ts.Getenv("WORK"), "$WORK").Replace(text))
	ts.Check(err)
}
