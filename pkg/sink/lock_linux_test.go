package sink

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// inContainer starts a child with process ids and a host name of its own, as
// in a container that shares the volume of the tree.
func inContainer(t *testing.T, job ...string) *process {
	t.Helper()
	p, err := startChildIn(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS}, job...)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("NOT TESTED: this system lets nobody make namespaces, so there are no containers here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Two containers on one machine: each batch is process 1 of its own, and yet
// they are kept apart; when one is killed, the other goes on at once.
func TestContainersThatShareAVolumeAreKeptApart(t *testing.T) {
	dir := memory(t)
	holder := inContainer(t, "hold", dir)
	if _, err := Open(context.Background(), Options{Dir: dir, Now: clock}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "process 1") {
		t.Fatal(err)
	}
	second := inContainer(t, "once", dir)
	var failed *exec.ExitError
	if err := second.cmd.Wait(); !errors.As(err, &failed) {
		t.Error("a second container took the lock: ", err)
	}
	if err := holder.cmd.Process.Signal(os.Kill); err != nil || !holder.wasKilled() {
		t.Fatal(err)
	}
	if err := inContainer(t, "once", dir).cmd.Wait(); err != nil {
		t.Error("killed, and run again in another container at once: ", err)
	}
}
