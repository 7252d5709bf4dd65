//go:build unix

package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

func TestSecondBatchIsToldWhoHoldsTheTree(t *testing.T) {
	dir := memory(t)
	holds := openTree(t, Options{Dir: dir, Holder: "pid 4711 on build-3"})
	_, err := Open(context.Background(), Options{Dir: dir, Now: clock})
	if !errors.Is(err, ErrLocked) || mlflow.Hint(err) == "" {
		t.Fatal(err)
	}
	want := "opening " + dir + ": another batch is writing there: pid 4711 on build-3, since 2026-11-02T03:04:05Z, last sign of life 2026-11-02T03:04:05Z"
	if err.Error() != want {
		t.Errorf("%s\nwant %s", err, want)
	}
	holds.Close()
	openTree(t, Options{Dir: dir})
}

func TestBatchWaitsForAnotherToEnd(t *testing.T) {
	dir := memory(t)
	holder := startChild(t, "hold", dir)
	got := make(chan error)
	go func() {
		tree, err := Open(context.Background(), Options{Dir: dir, Now: clock, LockWait: time.Hour})
		if err == nil {
			err = tree.Close()
		}
		got <- err
	}()
	holder.end()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	dir := memory(t)
	openTree(t, Options{Dir: dir})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Open(ctx, Options{Dir: dir, Now: clock, LockWait: time.Hour})
	if !errors.Is(err, ErrLocked) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Open(context.Background(), Options{Dir: dir, Now: clock, LockWait: time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
}

// plant writes what a batch of another kernel, or one that died, leaves.
func plant(t *testing.T, dir, boot string, beat time.Time) {
	t.Helper()
	openTree(t, Options{Dir: dir}).Close()
	text := fmt.Sprintf(`{"id":"X","boot_id":%q,"holder":"pid 1 on node-7","started":"2026-11-01T00:00:00Z","heartbeat":%q}`, boot, beat.Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(dir, lockName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestHeartbeatDecidesOnlyWhereTheKernelCannot(t *testing.T) {
	noLocks := func(*os.File) error { return errNoLocks }
	for name, c := range map[string]struct {
		boot   string
		age    time.Duration
		osLock func(*os.File) error
		free   bool
	}{
		"died on this kernel just now":      {bootID(), 0, lockFile, true},
		"alive on another machine":          {"other", 20 * time.Second, lockFile, false},
		"its clock goes ahead":              {"other", -20 * time.Second, lockFile, false},
		"died on another machine":           {"other", 2 * time.Minute, lockFile, true},
		"alive, file system without locks":  {bootID(), 20 * time.Second, noLocks, false},
		"silent, file system without locks": {bootID(), 2 * time.Minute, noLocks, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			plant(t, dir, c.boot, clock().Add(-c.age))
			top, err := openTop(Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer top.close()
			l, unclean, err := tryLock(top, Options{Now: clock}, c.osLock)
			if !c.free {
				if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "pid 1 on node-7") {
					t.Error(err)
				}
				return
			}
			if err != nil || !unclean {
				t.Fatal(unclean, err)
			}
			if err := l.release(true); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLockFileThatIsJunkIsJudgedByItsAge(t *testing.T) {
	dir := memory(t)
	openTree(t, Options{Dir: dir}).Close()
	name := filepath.Join(dir, lockName)
	if err := os.WriteFile(name, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	written := modTime(t, name)
	for age, free := range map[time.Duration]bool{time.Second: false, 2 * beatStale: true} {
		_, err := Open(context.Background(), Options{Dir: dir, Now: func() time.Time { return written.Add(age) }})
		if free != (err == nil) || err != nil && !errors.Is(err, ErrLocked) {
			t.Errorf("%v old: %v", age, err)
		}
	}
}

func TestHolderShowsThatItIsAlive(t *testing.T) {
	dir := memory(t)
	synctest.Test(t, func(t *testing.T) {
		tree := openTree(t, Options{Dir: dir, Now: time.Now})
		before := tree.lockText(t)
		time.Sleep(beatEvery + time.Second)
		synctest.Wait()
		after := tree.lockText(t)
		if before.ID != after.ID || after.Heartbeat.Sub(before.Heartbeat) != beatEvery || !after.Started.Equal(before.Started) {
			t.Errorf("%+v became %+v", before, after)
		}
		if err := tree.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if text := read(t, dir, lockName); text != "" {
		t.Errorf("a batch that ended in order left %q", text)
	}
}

func (t *Tree) lockText(tb testing.TB) holder {
	h, found, err := t.lock.read()
	if err != nil || !found {
		tb.Fatal(found, err)
	}
	return h
}

func TestBatchThatLostItsLockDoesNotCommit(t *testing.T) {
	for name, lose := range map[string]func(file string) error{
		"another took over":    func(file string) error { return os.WriteFile(file, []byte(`{"id":"other","holder":"pid 2"}`), 0o600) },
		"the file was removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			tree := openTree(t, Options{Dir: dir})
			if err := lose(filepath.Join(dir, lockName)); err != nil {
				t.Fatal(err)
			}
			if err := tree.Commit(report.Index{}, Run{}); !errors.Is(err, ErrLocked) {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, indexName)); err == nil {
				t.Error("it wrote the index all the same")
			}
			tree.Close()
			if text, _ := os.ReadFile(filepath.Join(dir, lockName)); name == "another took over" && !strings.Contains(string(text), "pid 2") {
				t.Errorf("it took the lock from who holds it: %q", text)
			}
		})
	}
}
