//go:build unix

package sink

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

const childVar = "MLREPORT_SINK_TEST_CHILD"

// TestMain lets the test binary be the process that gets killed.
func TestMain(m *testing.M) {
	if job := os.Getenv(childVar); job != "" {
		if err := child(strings.Split(job, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child holds a tree until its input ends, or only once, or writes one and is
// killed before the step of the given number.
func child(job []string) error {
	o := Options{Dir: job[1], Now: clock, Same: sameButStamp, Holder: fmt.Sprintf("the child, process %d", os.Getpid())}
	if len(job) > 3 {
		o.Format = Format(job[3])
	}
	if job[0] == "kill" {
		last, err := strconv.Atoi(job[2])
		if err != nil {
			return err
		}
		n := 0
		o.Before = func(Step, string) error {
			if n++; n == last {
				return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), errors.New("still alive"))
			}
			return nil
		}
	}
	tree, err := Open(context.Background(), o)
	if err != nil {
		return err
	}
	if job[0] == "hold" {
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
		return tree.Close()
	}
	if job[0] == "once" {
		return tree.Close()
	}
	return errors.Join(nightly(tree), tree.Close())
}

// nightly is a batch over a world in which something changed.
func nightly(tree *Tree) error {
	const stamp = "new" // fixed, as by SOURCE_DATE_EPOCH
	for i, r := range []Report{
		{Place: "A/1", JSON: doc(stamp, "run=1"), MLmodel: []byte("same")},
		{Place: "A/2", JSON: doc(stamp, "run=2"), MLmodel: []byte("new"), Objects: []ObjectFile{{"runs/01", []byte("{\"v\": 2}\n")}}},
		{Place: "B/1", JSON: doc(stamp, "model_version"), Issues: []mlflow.Issue{mlflow.NewIssue("mlflow_model", mlflow.ArtifactMissing, "x")}},
		{Place: "C/1", JSON: doc(stamp, "run=3"), MLmodel: []byte("new")},
	} {
		w, err := writeWithCopies(tree, r, tonight()[r.Place])
		if err != nil {
			return err
		}
		if err := tree.Add(rowOf(i, r, w)); err != nil {
			return err
		}
	}
	return tree.Commit(report.Index{}, Run{})
}

// tonight are the copies of a batch, by place and path.
func tonight() map[string]map[string]string {
	return map[string]map[string]string{"A/2": {"files/model/a.json": "new", "files/run/b/c.json": "new", "files/same": "same"}}
}

func writeWithCopies(tree *Tree, r Report, copies map[string]string) (Written, error) {
	var err error
	if tree.o.Format == FormatJSONL { // which has no place for them
		copies = nil
	}
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		var s StagedFile
		if s, err = tree.Stage(r.Place, name, []byte(copies[name])); err != nil {
			break
		}
		r.Files = append(r.Files, s)
	}
	var w Written
	if err == nil {
		w, err = tree.WriteReport(r)
	}
	if err != nil {
		tree.Unstage(r.Place, r.Files)
	}
	return w, err
}

// yesterday is the tree that nightly finds.
func yesterday(t testing.TB, dir string) {
	batch(t, Options{Dir: dir},
		Report{Place: "A/1", JSON: doc("old", "run=1"), MLmodel: []byte("same")},
		Report{Place: "A/2", JSON: doc("old", "run=1"), MLmodel: []byte("old"), Objects: []ObjectFile{{"runs/01", []byte("{\"v\": 1}\n")}}},
		Report{Place: "B/1", JSON: doc("old", "mlflow_model", "model_version"), MLmodel: []byte("old")},
	)
	tree := openTree(t, Options{Dir: dir})
	if _, err := writeWithCopies(tree, Report{Place: "A/2", JSON: doc("old", "run=1"), MLmodel: []byte("old")}, map[string]string{"files/model/a.json": "old", "files/gone/x/y": "old", "files/same": "same"}); err != nil {
		t.Fatal(err)
	}
	tree.Close()
}

type process struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

func startChild(t testing.TB, job ...string) *process {
	t.Helper()
	p, err := startChildIn(t, nil, job...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// startChildIn starts a child as the system is told to; the error says that the
// system does not.
func startChildIn(t testing.TB, how *syscall.SysProcAttr, job ...string) (*process, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVar+"="+strings.Join(job, "|"))
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, how
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd, in, bufio.NewReader(out)}
	if job[0] == "hold" {
		if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatal(line, err)
		}
		t.Cleanup(p.end)
	}
	return p, nil
}

func (p *process) end() {
	p.in.Close()
	p.cmd.Wait()
}

func (p *process) wasKilled() bool {
	p.cmd.Wait()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL
}

func TestBatchGoesOnAtOnceAfterAnotherWasKilled(t *testing.T) {
	dir := memory(t)
	holder := startChild(t, "hold", dir)
	if _, err := Open(context.Background(), Options{Dir: dir, Now: clock}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "the child") {
		t.Fatal(err)
	}
	if err := holder.cmd.Process.Kill(); err != nil || !holder.wasKilled() {
		t.Fatal(err)
	}
	tree, err := Open(context.Background(), Options{Dir: dir, Now: clock})
	if err != nil {
		t.Fatal("killed and run again at once: ", err)
	}
	tree.Close()
}

// A batch is killed before each of its steps in turn. Whatever the moment, all
// files are complete, nothing of yesterday is gone that the new batch did not
// replace, and one more batch ends as if nothing had happened.
func TestTreeIsValidWheneverABatchIsKilled(t *testing.T) {
	want := memory(t)
	yesterday(t, want)
	tree := openTree(t, Options{Dir: want})
	if err := errors.Join(nightly(tree), tree.Close()); err != nil {
		t.Fatal(err)
	}
	good := files(t, want)
	kills := 0
	for ; ; kills++ {
		dir := memory(t)
		yesterday(t, dir)
		old := files(t, dir)
		if p := startChild(t, "kill", dir, strconv.Itoa(kills+1)); !p.wasKilled() {
			break
		}
		for name, text := range files(t, dir) {
			if isTemp(filepath.Base(name)) || name == spoolName {
				continue
			}
			if text != old[name] && text != good[name] {
				t.Errorf("kill %d: %s is neither the old one nor the new one: %q", kills, name, text)
			}
		}
		tree := openTree(t, Options{Dir: dir})
		for name := range files(t, dir) {
			if isTemp(filepath.Base(name)) {
				t.Errorf("kill %d: left over: %s", kills, name)
			}
		}
		if err := errors.Join(nightly(tree), tree.Close()); err != nil {
			t.Fatalf("kill %d: %v", kills, err)
		}
		if d := cmp.Diff(good, files(t, dir)); d != "" {
			t.Fatalf("kill %d: %s", kills, d)
		}
		checkIndex(t, dir, 4)
	}
	if kills < 20 {
		t.Errorf("only %d steps", kills)
	}
}

// A step fails, in turn each of them. The error says where and why, no file is
// half-written under its name, and the next batch completes the tree.
func TestDiskThatFailsLeavesAValidTree(t *testing.T) {
	want := memory(t)
	yesterday(t, want)
	tree := openTree(t, Options{Dir: want})
	if err := errors.Join(nightly(tree), tree.Close()); err != nil {
		t.Fatal(err)
	}
	good := files(t, want)
	for n := 1; ; n++ {
		for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
			dir := memory(t)
			yesterday(t, dir)
			old := files(t, dir)
			steps, failed := 0, ""
			tree, err := Open(context.Background(), Options{Dir: dir, Now: clock, Same: sameButStamp, Before: func(s Step, path string) error {
				if steps++; steps == n {
					failed = string(s) + " " + path
					return cause
				}
				return nil
			}})
			if err == nil {
				err = errors.Join(nightly(tree), tree.Close())
			}
			if failed == "" {
				if err != nil || n < 20 {
					t.Fatalf("%d steps: %v", n, err)
				}
				return
			}
			if !errors.Is(err, cause) || mlflow.Hint(err) == "" || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s: %v", failed, err)
			}
			for name, text := range files(t, dir) {
				if isTemp(filepath.Base(name)) || name == spoolName || text != old[name] && text != good[name] {
					t.Errorf("%s: %s is %q", failed, name, text)
				}
			}
			again := openTree(t, Options{Dir: dir})
			if err := errors.Join(nightly(again), again.Close()); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(good, files(t, dir)); d != "" {
				t.Fatalf("%s: %s", failed, d)
			}
		}
	}
}

func TestFolderThatCannotBeWrittenIsAClearError(t *testing.T) {
	file := filepath.Join(memory(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(file, "out"), file} {
		_, err := Open(context.Background(), Options{Dir: dir, Now: clock})
		want := "making " + dir + ": not a directory"
		if err == nil || err.Error() != want || !strings.HasPrefix(mlflow.Hint(err), "a file is where a folder should be") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// fullDisk mounts a file system of 256 kB.
func fullDisk(t *testing.T) string {
	t.Helper()
	dir := memory(t)
	if err := mountTiny(dir); err != nil {
		t.Skipf("NOT TESTED: a disk that is really full, because none can be mounted here (%v); TestDiskThatFailsLeavesAValidTree plays one", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestDiskThatIsReallyFull(t *testing.T) {
	dir := fullDisk(t)
	tree := openTree(t, Options{Dir: dir})
	big := string(doc("1", `run="`+strings.Repeat("x", 20<<10)+`"`))
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		_, err = tree.WriteReport(Report{Place: fmt.Sprintf("A/%d", n), JSON: []byte(big)})
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(mlflow.Hint(err), "the disk is full") || !strings.HasSuffix(err.Error(), ": no space left on device") {
		t.Fatal(n, err)
	}
	complete := 0
	werr := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == reportName {
			complete++
			if read(t, p) != big {
				t.Errorf("%s is not complete", p)
			}
		}
		if err == nil && isTemp(e.Name()) {
			t.Errorf("left over: %s", p)
		}
		return err
	})
	if werr != nil || complete != n-1 {
		t.Errorf("%d of %d reports: %v", complete, n-1, werr)
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
}
