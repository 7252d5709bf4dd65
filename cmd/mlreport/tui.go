package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mlreport/mlreport/pkg/manifest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/sink"
	"github.com/mlreport/mlreport/pkg/view"
)

// Rules of what a person sees: everything for people goes to stderr, in lower
// case, `mlreport: error:` and `mlreport: hint:` lines only from here; stdout
// is for data. A secret is never shown; control characters of data never reach
// a terminal.

// The exit codes.
const (
	exitOK          = 0
	exitFatal       = 1   // nothing usable
	exitUsage       = 2   // the command line or the manifest is wrong
	exitPartial     = 3   // some entries failed, or have issues asked to be fatal; what was written is valid
	exitLocked      = 5   // another batch holds the folder
	exitInterrupted = 130 // Ctrl-C or SIGTERM
)

// errSaid ends a command that has said all there is to say; it is the exit code.
type errSaid int

func (e errSaid) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

type tui struct{ *env }

// fail prints an error, if there is one, and returns the exit code.
func (u *tui) fail(err error) int {
	code := exitCode(err)
	var mistakes manifest.Mistakes
	switch {
	case err == nil, errors.As(err, new(errSaid)):
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			u.error(&mlflow.Error{Err: m, Hint: m.Hint}, code)
		}
	case code == exitInterrupted:
		fmt.Fprintln(u.Stderr, "mlreport: interrupted")
	default:
		u.error(err, code)
	}
	return code
}

// exitCode is the exit code of a command that ended with err.
func exitCode(err error) int {
	var said errSaid
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, new(manifest.Mistakes)), errors.As(err, new(errUsage)), errors.Is(err, sink.ErrNotTree), errors.Is(err, sink.ErrFormat):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, sink.ErrLocked):
		return exitLocked
	}
	return exitFatal
}

// error tells an error and what to do about it.
func (u *tui) error(err error, code int) {
	if u.records != nil {
		u.recordError(err, code)
		return
	}
	wrong, advice := "mlreport: error:", "mlreport: hint:"
	if u.colour(u.Terminal) {
		wrong, advice = "\x1b[1;31m"+wrong+"\x1b[0m", "\x1b[1;36m"+advice+"\x1b[0m"
	}
	fmt.Fprintf(u.Stderr, "%s %s\n", wrong, harmless(err.Error()))
	if hint := mlflow.Hint(err); hint != "" {
		fmt.Fprintf(u.Stderr, "%s %s\n", advice, harmless(hint))
	}
}

// harmless takes out what could move a terminal's cursor or break the line:
// names come from servers.
func harmless(s string) string { return view.Line(s) }

// counted is a number with its noun: 1 report, 2 reports.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// A line is written whole or not at all.
func writeLine(w io.Writer, b []byte) error {
	_, err := w.Write(append(b, '\n'))
	return err
}
