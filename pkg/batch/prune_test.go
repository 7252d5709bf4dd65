package batch_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/sink"
)

// content reads all files that a batch leaves for people.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".mlreport") {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// prune prunes a tree; the steps from the one of that number on fail. It tells
// whether any did.
func (a *again) prune(dir string, failAt int) (failed bool) {
	a.Helper()
	n := 0
	tree, err := sink.Open(context.Background(), sink.Options{Dir: dir, Now: time.Now, NoSync: true, Writer: a.writer, Before: func(sink.Step, string) error {
		if n++; failAt > 0 && n >= failAt {
			failed = true
			return errors.New("the power is gone")
		}
		return nil
	}})
	if err == nil {
		_, err = batch.Prune(context.Background(), tree, slog.New(slog.DiscardHandler))
		_ = tree.Close() // which may fail, too
	}
	if (err != nil) && !failed {
		a.Fatal(err)
	}
	return failed
}

func TestPruningThatWasCutOffIsDoneByDoingItAgain(t *testing.T) {
	a := newAgain(t)
	a.batch("models:/A/1", "models:/A/2", "models:/B/1")
	a.batch("models:/A/1")
	before := content(t, a.dir)
	copyTo := func(name string) string {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(dir, os.DirFS(a.dir)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	calm := copyTo("calm")
	a.prune(calm, 0)
	want := content(t, calm)
	for name := range maps.Keys(want) {
		if strings.Contains(name, "B") || strings.Contains(name, "2") {
			t.Errorf("%s is still there", name)
		}
	}
	if len(want) >= len(before) || want[filepath.Join("model_reports", "A", "1", "report.json")] == "" {
		t.Errorf("it left %v", want)
	}
	for step := 1; ; step++ {
		dir := copyTo("cut")
		if !a.prune(dir, step) {
			break
		}
		a.prune(dir, 0)
		if d := cmp.Diff(want, content(t, dir)); d != "" {
			t.Fatalf("cut off at step %d: %s", step, d)
		}
	}
}
