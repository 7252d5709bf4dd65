// Command mlreport writes down everything MLflow knows about models.
//
// This package is the only one that reads the environment, prints, or decides
// about the exit code. One file per command; wire.go builds the stores, tui.go
// owns what a person sees.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	collectLess()
	os.Exit(run(processEnv(), os.Args[1:]))
}

// collectLess lets the heap grow to two and a half times what is in use before
// garbage is collected, instead of twice: what a batch has in use is little. A
// heap that grows further takes as long to get its pages from the system, and
// makes more of what is in use. GOGC has the last word, as in any Go program.
func collectLess() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(150)
	}
}

// run runs one command line; a signal ends it in good order, a second one at
// once.
func run(e *env, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, args, e)
}

// An env is all that the program takes from its surroundings.
type env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Terminal       bool // whether Stderr is a terminal
	Lookup         func(string) (string, bool)
	Dir            string // current folder
	Home           string
	Now            func() time.Time
	Program        string // what a person types to start it

	records *slog.Logger // with --log-format json: what happens is told to this, not in words to Stderr
}

func processEnv() *env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	home, _ := os.UserHomeDir() // without one there are no files in it to read
	return &env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd())),
		Lookup: os.LookupEnv, Dir: dir, Home: home, Now: time.Now, Program: programName(os.Args[0]),
	}
}

// programName is how the program was called; `go run` builds it in a folder
// that is gone by the time somebody reads its advice.
func programName(arg0 string) string {
	if strings.Contains(arg0, "go-build") {
		return "go run ./cmd/mlreport"
	}
	return "mlreport"
}

// get returns an environment variable, or "".
func (e *env) get(name string) string {
	v, _ := e.Lookup(name)
	return v
}
