//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A screen is a terminal; see is told all that was written to it so far.
type screen struct {
	outside, inside *os.File
	shown           func() string // all, when the program has ended
}

func openScreen(t *testing.T, columns uint16, see func(text string)) *screen {
	t.Helper()
	s, err := newScreen(columns, see)
	if err != nil {
		t.Skipf("NOT TESTED: what a terminal shows, because none can be made here: %v", err)
	}
	t.Cleanup(func() { s.outside.Close() })
	return s
}

func newScreen(columns uint16, see func(text string)) (*screen, error) {
	outside, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	fd := int(outside.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0), unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}))
	if err != nil {
		return nil, errors.Join(err, outside.Close())
	}
	inside, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, errors.Join(err, outside.Close())
	}
	var text strings.Builder
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		part := make([]byte, 4096)
		for {
			n, err := outside.Read(part)
			text.Write(part[:n])
			see(text.String())
			if err != nil { // EIO: the other side was closed
				return
			}
		}
	}()
	return &screen{outside, inside, func() string {
		inside.Close()
		<-ended
		return text.String()
	}}, nil
}

// Somebody at a terminal sees that the batch is alive while it waits for a
// server, then how much is done, and nothing of that when it is over.
func TestATerminalShowsWhatTheBatchDoes(t *testing.T) {
	fake := mlflowtest.StartFake(t, mlflowtest.BulkFakeWorld(3, 80, false), mlflowtest.FakeOptions{})
	u := newUser(t)
	waits, works := make(chan struct{}), make(chan struct{})
	fake.Fail(mlflowtest.Fault{Endpoint: "registered-models/search", Times: 1, Until: waits})
	fake.Fail(mlflowtest.Fault{Endpoint: "mlflow-artifacts/artifacts", After: 200, Times: 1, Until: works})
	var once, twice sync.Once
	see := func(text string) {
		if strings.Contains(text, "prod ") && strings.Contains(text, "waiting for 0s") {
			once.Do(func() { close(waits) })
		}
		if strings.Contains(text, " of 240, ") && strings.Contains(text, "/s, ") {
			twice.Do(func() { close(works) })
		}
	}
	screen := openScreen(t, 100, see)
	e := &env{
		Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}, Stderr: screen.inside, Terminal: true, Dir: u.dir, Home: u.dir, Now: time.Now,
		Lookup: func(name string) (string, bool) { v, ok := u.env[name]; return v, ok },
	}
	manifest := u.writes("m.yaml", "version: 1\nhosts: {prod: {tracking: \""+fake.URL+"\"}}\nmodels:\n  - select: {models: \"*\", versions: all}\n")
	code := execute(t.Context(), []string{"run", manifest, "--out", u.path("out")}, e)
	text := screen.shown()
	before, _, _ := strings.Cut(text, "240 reports in ")
	if code != exitOK || !strings.HasSuffix(before, "\x1b[J") {
		t.Errorf("exit code %d, and the bar was not taken away: %q", code, text[max(0, len(text)-600):])
	}
}
