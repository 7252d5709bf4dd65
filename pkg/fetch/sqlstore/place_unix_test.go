//go:build unix

package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TestMain makes the test binary the other process that some tests start: a
// reader or a writer of the database that the environment names.
func TestMain(m *testing.M) {
	switch read, write, hold := os.Getenv("SQLSTORE_TEST_READ"), os.Getenv("SQLSTORE_TEST_WRITE"), os.Getenv("SQLSTORE_TEST_HOLD"); {
	case read != "":
		readAndPrint(read, os.Getenv("SQLSTORE_TEST_TEMP"))
	case write != "":
		writeAndPrint(write)
	case hold != "":
		if err := holdAndPrint(hold); err != nil {
			fmt.Print(err)
		}
	default:
		os.Exit(m.Run())
	}
}

// readAndPrint prints the models of a database and how many copies it made.
func readAndPrint(path, temp string) {
	ctx := context.Background()
	s, err := Open(ctx, Options{URI: "sqlite:///" + path, TempDir: temp})
	if err != nil {
		fmt.Printf("%v | %s", err, mlflow.Hint(err))
		return
	}
	copies, _ := os.ReadDir(temp)
	names, err := modelNames(ctx, s)
	fmt.Printf("%s, %d copies, %v, %v", names, len(copies), err, s.Close())
	left, _ := os.ReadDir(temp)
	fmt.Printf(", %d left", len(left))
}

func writeAndPrint(path string) {
	db, err := sql.Open("sqlite", "file://"+path+"?_pragma=busy_timeout(0)")
	if err == nil {
		_, err = db.Exec("UPDATE registered_models SET description = 'written'")
	}
	fmt.Print(err)
}

// unwritable is a folder, open to all, in which another user may not write.
// Root may write everywhere, so that as root the reader must be somebody else.
func unwritable(t *testing.T) string {
	dir, err := os.MkdirTemp("", "unwritable-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o755)
		_ = os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readAsOther reads a database in an unwritable folder with another process.
func readAsOther(t *testing.T, path string) string {
	t.Helper()
	public, temp := unwritable(t), filepath.Join(unwritable(t), "temp")
	if err := os.Mkdir(temp, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(temp, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(publicCopy(t, public))
	cmd.Env = append(os.Environ(), "SQLSTORE_TEST_READ="+path, "SQLSTORE_TEST_TEMP="+temp)
	cmd.Dir = public
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return output(t, cmd)
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr.String())
	}
	return string(out)
}

// publicCopy copies the test binary to where everybody may run it.
func publicCopy(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, "reader"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Name()
}

func TestReadsInAFolderWhereItMayNotWrite(t *testing.T) {
	plain := newDB(t, mlflow222)
	plain.add("registered_models", "name", "m")
	plain.done()
	logged, journaled := withLog(t), withJournal(t)
	for _, c := range []struct {
		name, path string
		suffixes   []string
		want       string
	}{
		{"a database alone", plain.path, nil, "m, 0 copies, <nil>, <nil>, 0 left"},
		{"with a log and its index", logged.path, []string{"-wal", "-shm"}, "logged stored, 1 copies, <nil>, <nil>, 0 left"},
		{"with a log", logged.path, []string{"-wal"}, "logged stored, 1 copies, <nil>, <nil>, 0 left"},
		{"in log mode", logged.path, nil, "stored, 1 copies, <nil>, <nil>, 0 left"},
		{"with a hot journal", journaled.path, []string{"-journal"}, "committed, 1 copies, <nil>, <nil>, 0 left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := unwritable(t)
			path := copyTo(t, dir, c.path, c.suffixes...)
			before := files(t, dir)
			if got := readAsOther(t, path); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if diff := gocmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("the database's folder (-before +after):\n%s", diff)
			}
		})
	}
}

func TestReadsTheLogOfAnotherUsersServer(t *testing.T) {
	dir := unwritable(t)
	d := newDBAt(t, filepath.Join(dir, "mlflow.db"), mlflow317, "journal_mode(wal)", "wal_autocheckpoint(0)")
	d.add("registered_models", "name", "logged")
	d.exec("BEGIN")
	d.add("registered_models", "name", "open")
	if got, want := readAsOther(t, d.path), "logged, 1 copies, <nil>, <nil>, 0 left"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSaysThatADatabaseMayNotBeRead(t *testing.T) {
	d := newDB(t, mlflow222).done()
	path := copyTo(t, unwritable(t), d.path)
	if err := os.Chmod(path, 0o000); err != nil {
		t.Fatal(err)
	}
	want := "the database " + path + " may not be read | ask for permission to read the file and its folder"
	if got := readAsOther(t, path); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Locks of the POSIX kind are lost as soon as the process closes the file
// anywhere; a writer could then change what a snapshot is reading. The reader
// is a process of its own, since the kind is settled by the first use of
// SQLite in a process, and a test's own writer is that.
func TestASnapshotKeepsItsLockWhenTheFileIsOpenedAgain(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: only Linux has locks that outlive the closing of another descriptor")
	}
	d, _, _, _ := manyVersions(t, mlflow222, 1)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SQLSTORE_TEST_HOLD="+d.done().path)
	if got, want := output(t, cmd), "during: database is locked (5) (SQLITE_BUSY), after: <nil>"; got != want {
		t.Errorf("a writer gets %q, want %q", got, want)
	}
}

// holdAndPrint reads in a snapshot, opens and closes the file meanwhile, and
// prints what another process gets that writes during the snapshot and after.
func holdAndPrint(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, Options{URI: "sqlite:///" + path})
	if err != nil {
		return err
	}
	r, end, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	if _, err := r.Models(ctx, []string{"m00000"}); err != nil {
		return err
	}
	again, err := Open(ctx, Options{URI: "sqlite:///" + path})
	if err != nil {
		return err
	}
	if err := again.Close(); err != nil {
		return err
	}
	if _, err := os.ReadFile(path); err != nil {
		return err
	}
	during, err := write(path)
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	after, err := write(path)
	fmt.Printf("during: %s, after: %s", during, after)
	return err
}

// write lets another process write.
func write(path string) (string, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SQLSTORE_TEST_HOLD=", "SQLSTORE_TEST_WRITE="+path)
	out, err := cmd.Output()
	return string(out), err
}
