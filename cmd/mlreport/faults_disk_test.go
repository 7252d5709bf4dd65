//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// starts makes the program a process of its own; sayings gives what it says.
func (u *user) starts(args ...string) (c *exec.Cmd, sayings func() said) {
	u.Helper()
	program, err := exec.LookPath("mlreport") // which testscript has put there
	if err != nil {
		u.Fatal(err)
	}
	c = exec.Command(program, args...)
	c.Dir, c.Env = u.dir, []string{"HOME=" + u.dir, "PATH=" + os.Getenv("PATH")}
	for name, value := range u.env {
		c.Env = append(c.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	return c, func() said {
		u.Helper()
		code := 0
		var ended *exec.ExitError
		if err := c.Wait(); errors.As(err, &ended) {
			code = ended.ExitCode()
		} else if err != nil {
			u.Fatal(err)
		}
		return said{code, u.plain(out.String()), u.plain(errs.String())}
	}
}

const sampleEntries = `select: {models: "*", versions: all}`

// undisturbed is the tree of a run to which nothing happened.
func (s *sampleStore) undisturbed() map[string]string {
	s.Helper()
	if got := s.types("run", s.path("m.yaml"), "--out", s.path("calm")); got.code != exitOK {
		s.Fatal(got)
	}
	return readTree(s.TB.(*testing.T), s.path("calm"))
}

func TestAFullDiskEndsTheBatchAndTheNextOneCompletesIt(t *testing.T) {
	for n := range soak(1, 30) {
		aFullDisk(t, 96+4*n)
	}
}

// aFullDisk runs a batch on a disk of so many kB, and again on a larger one.
func aFullDisk(t *testing.T, size int) {
	t.Helper()
	s := newSampleStore(t)
	out := s.path("out")
	if err := os.Mkdir(out, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", out, "tmpfs", 0, fmt.Sprintf("size=%dk", size)); err != nil {
		t.Skipf("NOT TESTED: a disk that is full, because none can be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(out, 0); err != nil {
			t.Error(err)
		}
	}()
	got := s.runs(sampleEntries)
	want := `^mlreport: error: (writing|making) DIR/out/\S.*: no space left on device
mlreport: hint: the disk is full: free some space or choose another folder, then run again; what was written is valid
$`
	if got.code != exitFatal || got.out != "" || !regexp.MustCompile(want).MatchString(got.err) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	calm := s.undisturbed()
	for name, text := range readTree(t, out) {
		if name != ".mlreport.json" && calm[name] != text {
			t.Errorf("%s is not what it should be", name)
		}
	}
	if err := syscall.Mount("tmpfs", out, "tmpfs", syscall.MS_REMOUNT, "size=10m"); err != nil {
		t.Fatal(err)
	}
	if got := s.runs(sampleEntries); got.code != exitOK {
		t.Error(got)
	}
	if d := cmp.Diff(calm, readTree(t, out)); d != "" {
		t.Errorf("completed, it differs from an undisturbed run:\n%s", d)
	}
}

// A folder of somebody else: tried by another user, because nothing is
// forbidden to root.
func TestAFolderThatMayNotBeWritten(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: a folder of somebody else, because only root can become another user")
	}
	s := newSampleStore(t)
	manifest := s.manifest("models:/Sklearn_Wine/2")
	for dir := s.dir; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // others must come in here
			t.Fatal(err)
		}
	}
	if err := os.Chmod(manifest, 0o644); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	self := s.copyOfProgram()
	for _, c := range []struct{ args, want string }{
		{"run --out " + s.path("out") + " " + manifest, "mlreport: error: making DIR/out: permission denied\n" +
			"mlreport: hint: this user may not write there: change the folder's owner or mode, or choose another folder\n"},
		{"get-run --tracking-uri store/mlflow.db --run-id " + wineRun + " --output-file deep/run.json",
			"mlreport: error: --output-file: writing deep: permission denied\nmlreport: hint: choose a file in a folder that this user may write to\n"},
	} {
		c1, sayings := s.starts(strings.Fields(c.args)...)
		c1.Path = self
		c1.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := c1.Start(); err != nil {
			t.Fatal(err)
		}
		got := sayings()
		if d := cmp.Diff(c.want, got.err); d != "" || got.code != exitFatal || got.out != "" {
			t.Errorf("%s: exit code %d (-want +got):\n%s", c.args, got.code, d)
		}
	}
}

// copyOfProgram is the program where another user can run it.
func (u *user) copyOfProgram() string {
	u.Helper()
	self, err := exec.LookPath("mlreport")
	if err != nil {
		u.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		u.Fatal(err)
	}
	defer from.Close()
	path := u.path("mlreport")
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		u.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		u.Fatal(err)
	}
	if err := to.Close(); err != nil {
		u.Fatal(err)
	}
	return path
}

// A file where a folder should be costs one entry, not the batch.
func TestAPlaceThatCannotBeWrittenCostsOneEntry(t *testing.T) {
	s := newSampleStore(t)
	if got := s.runs("models:/Sklearn_Wine/1"); got.code != exitOK {
		t.Fatal(got)
	}
	s.writes("out/model_reports/fraud_card_payments", "not a folder")
	got := s.runs("models:/fraud_card_payments/3", "models:/Sklearn_Wine/2")
	want := "failed models:/fraud_card_payments/3: unavailable: models:/fraud_card_payments/3 could not be read this time\n" +
		"  opening DIR/out/model_reports/fraud_card_payments: not a directory\n" +
		"  hint: a file is where a folder should be, or the other way round: move it away or choose another folder\n"
	if d := cmp.Diff(want, got.problems()); d != "" || got.code != exitPartial {
		t.Errorf("exit code %d (-want +got):\n%s", got.code, d)
	}
	if d := cmp.Diff([]string{"failed models:/fraud_card_payments/3", "ok models:/Sklearn_Wine/2", "dropped models:/Sklearn_Wine/1"}, s.statuses()); d != "" {
		t.Error(d)
	}
	if text := s.reads(s.path("out", "model_reports", "fraud_card_payments")); text != "not a folder" {
		t.Error("the file was overwritten")
	}
}

// Ctrl-C and SIGTERM, at a counted request: what is written is valid, index.json
// is that of the last whole batch, and a rerun completes the tree.
func TestAnInterruptedBatchIsCompletedByTheNext(t *testing.T) {
	fake := mlflowtest.StartFake(t, mlflowtest.BulkFakeWorld(52, 5, true), mlflowtest.FakeOptions{})
	u := newUser(t)
	manifest := u.writes("m.yaml", "version: 1\nhosts: {prod: {tracking: \""+fake.URL+"\"}}\nmodels:\n  - select: {models: \"*\", versions: all}\n")
	first := u.writes("first.yaml", strings.Replace(u.reads(manifest), `"*"`, `"bulk_0000"`, 1))
	if got := u.types("run", manifest, "--out", u.path("calm")); got.code != exitOK {
		t.Fatal(got)
	}
	calm := readTree(t, u.path("calm"))
	for name, signal := range map[string]os.Signal{"Ctrl-C": os.Interrupt, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			u := &user{t, t.TempDir(), u.env}
			out := u.path("out")
			if got := u.types("run", first, "--out", out); got.code != exitOK {
				t.Fatal(got)
			}
			index := map[string]string{"index.json": "", "models.csv": ""} // both are of the batch that ended
			for name := range index {
				index[name] = u.reads(u.path("out", name))
			}
			c, sayings := u.starts("run", manifest, "--out", out)
			fake.Fail(mlflowtest.Fault{Endpoint: "mlflow-artifacts/artifacts", After: 240, Times: 1, Until: make(chan struct{}), Seen: func(int) {
				if err := c.Process.Signal(signal); err != nil {
					t.Error(err)
				}
			}})
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			got := sayings()
			fake.Heal()
			if !regexp.MustCompile(`^mlreport: interrupted after \d+ reports?: what was written is valid; run the same command again to complete it\n$`).MatchString(got.err) || got.code != exitInterrupted || got.out != "" {
				t.Errorf("exit code %d, stdout %q: %s", got.code, got.out, got.err)
			}
			for name, text := range readTree(t, out) {
				switch old, ok := index[name]; {
				case ok && text != old:
					t.Errorf("%s changed", name)
				case !ok && text != calm[name]:
					t.Errorf("%s is not what it should be", name)
				}
			}
			if text := u.reads(u.path("out", "run.json")); !strings.Contains(text, `"interrupted": true`) {
				t.Error(text)
			}
			if got := u.types("run", manifest, "--out", out); got.code != exitOK || got.problems() != "" {
				t.Error(got)
			}
			if d := cmp.Diff(calm, readTree(t, out)); d != "" {
				t.Errorf("completed, it differs from an undisturbed run:\n%s", d)
			}
		})
	}
}

// The same of a command that waits for a server that does not answer.
func TestCtrlCEndsACommandThatWaits(t *testing.T) {
	s := newServerUser(t, mlflowtest.FakeOptions{})
	for _, args := range [][]string{
		{"get-run", "--run-id", "1", "--tracking-uri", s.url},
		{"plan", s.manifest(wineSelect), "--out", s.path("out")},
	} {
		c, sayings := s.starts(args...)
		started := make(chan struct{})
		s.fake.Heal()
		s.fake.Fail(mlflowtest.Fault{Times: 1, Until: make(chan struct{}), Seen: func(int) {
			<-started
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}})
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		if got := sayings(); got.code != exitInterrupted || got.err != "mlreport: interrupted\n" || got.out != "" {
			t.Errorf("%s: %+v", args[0], got)
		}
	}
}
