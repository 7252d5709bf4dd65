//go:build unix

package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A killer runs batches over a store of some hundred models and kills them.
type killer struct {
	*sampleStore
	file  string
	calm  map[string]string // the tree of an undisturbed batch
	old   map[string]string // that of one before everything changed; it lies in `old`
	r     *rand.Rand
	takes time.Duration // about how long a batch lives
}

func newKiller(t *testing.T) *killer {
	t.Helper()
	k := &killer{sampleStore: newSampleStore(t), r: rand.New(rand.NewPCG(1, 2))}
	d := &doors{Server: &mlflowtest.Server{Database: k.path("store", "mlflow.db"), Artifacts: k.path("store", "artifacts")}}
	d.addBulk(t)
	k.file = k.manifest(`{select: {models: "*", versions: all}, objects: true}`)
	k.old = k.whole("old")
	k.sql("UPDATE registered_models SET description = 'another'")
	began := time.Now()
	k.calm = k.whole("calm")
	k.takes = time.Since(began)
	return k
}

// whole is the tree after a batch that nothing disturbs.
func (k *killer) whole(dir string) map[string]string {
	k.Helper()
	if got := k.types("run", k.file, "--out", k.path(dir)); got.code != exitOK {
		k.Fatal(got)
	}
	return readTree(k.TB.(*testing.T), k.path(dir))
}

// kills starts a batch and kills it at some moment; it tells whether the batch
// was still at work.
func (k *killer) kills(dir string) bool {
	k.Helper()
	c, _ := k.starts("run", k.file, "--out", k.path(dir))
	if err := c.Start(); err != nil {
		k.Fatal(err)
	}
	end := time.AfterFunc(time.Duration(k.r.Int64N(int64(k.takes))), func() { c.Process.Kill() })
	err := c.Wait()
	end.Stop()
	var ended *exec.ExitError
	killed := errors.As(err, &ended) && ended.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	if err != nil && !killed {
		k.Fatal(err)
	}
	if killed { // so that the moments cover a whole batch, on machines of any speed
		k.takes = k.takes * 21 / 20
	} else {
		k.takes = k.takes * 4 / 5
	}
	return killed
}

// valid checks that each file of a tree is whole: as the last batch left it, or
// as the killed one wrote it.
func (k *killer) valid(dir string) {
	k.Helper()
	if _, err := os.Stat(k.path(dir)); err != nil {
		return // killed before there was one
	}
	for name, text := range readTree(k.TB.(*testing.T), k.path(dir)) {
		if strings.HasPrefix(name[strings.LastIndex(name, "/")+1:], ".") || text == k.calm[name] || text == k.old[name] {
			continue
		}
		_, err := mlflow.DecodeJSON([]byte(text))
		k.Errorf("%s is neither the old file nor the new one (%d bytes, %v)", name, len(text), err)
	}
}

// A batch is killed at random moments: over no tree, over one of an older
// batch, and over what killed batches left. Whatever the moment, all files are
// whole, and one more batch ends as if nothing had happened.
func TestABatchKilledAtAnyMomentLosesNothing(t *testing.T) {
	k := newKiller(t)
	killed, most := 0, soak(15, 500)
	for try := 0; killed < most && try < 20*most; try++ {
		dir := []string{"fresh", "changed", "again"}[try%3]
		if try%3 < 2 {
			if err := os.RemoveAll(k.path(dir)); err != nil {
				t.Fatal(err)
			}
		}
		if dir == "changed" {
			if err := os.CopyFS(k.path(dir), os.DirFS(k.path("old"))); err != nil {
				t.Fatal(err)
			}
		}
		if k.kills(dir) {
			killed++
		}
		k.valid(dir)
		if dir == "again" && killed < most {
			continue // the next one begins with what this one left
		}
		if d := cmp.Diff(k.calm, k.whole(dir)); d != "" {
			t.Fatalf("after %d kills, one more batch differs from an undisturbed one:\n%s", killed, d)
		}
	}
	if killed < most {
		t.Errorf("%d batches were killed, want %d", killed, most)
	}
	if d := cmp.Diff(k.calm, k.whole("again")); d != "" {
		t.Errorf("killed again and again, the tree differs from an undisturbed one:\n%s", d)
	}
}
