//go:build unix

package artifact

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Opening a named pipe waits until somebody writes to it: a store that holds
// one must not stop a batch.
func TestNamedPipesAndSocketsAreNotRead(t *testing.T) {
	dir := tree(t, "pipe/", "socket/", "mlruns/")
	fifo := func(name string) {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fifo("pipe/MLmodel")
	fifo("artifacts")
	t.Chdir(dir) // the path of a socket must be short
	l, err := net.Listen("unix", "socket/MLmodel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })

	a := reader(t, Options{StoreDir: dir})
	wantError(t, a, dir+"/pipe", mlflow.ErrNotFound)
	wantError(t, a, dir+"/socket", mlflow.ErrNotFound)
	wantError(t, a, "mlflow-artifacts:/1/"+run, mlflow.ErrNotFound)
	wantError(t, reader(t, Options{StoreDir: dir + "/artifacts"}), dir+"/artifacts", mlflow.ErrNotFound)
	if got := list(t, a, dir+"/pipe", "", -1); got != "MLmodel 0" {
		t.Errorf("listed %q", got)
	}
	if got := list(t, a, dir+"/artifacts", "", -1); got == "" {
		t.Error("a named pipe was listed as a folder")
	}
}
