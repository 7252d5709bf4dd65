package bulk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/mlreport/mlreport/pkg/bulk"
)

// line is the report of a place; long enough for several frames.
func line(n int) string {
	return fmt.Sprintf(`{"n":%d,"text":%q}`, n, strings.Repeat(fmt.Sprint(n), 1000))
}

// fill writes lines of places p0, p1, ... that are added backwards, and every
// seventh has none.
func fill(t *testing.T, lines int, fileBytes int64) (dir string) {
	t.Helper()
	dir = t.TempDir()
	spool, err := os.Create(filepath.Join(dir, ".spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	w, err := bulk.NewWriter(spool)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	numbers := make([]int64, lines)
	for i := lines - 1; i >= 0; i-- {
		if i%7 == 3 {
			continue
		}
		if numbers[i], err = w.Add(fmt.Sprint("p", i), []byte(line(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Emit(noError(slices.Values(numbers)), fileBytes, func(name string, emit func(io.Writer) error) error {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		return errors.Join(emit(f), f.Close())
	}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func noError(list iter.Seq[int64]) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for n := range list {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// text is what any reader of Zstandard makes of all files.
func text(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "reports-*.jsonl.zst"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&out, d); err != nil {
			t.Fatal(err)
		}
		d.Close()
		f.Close()
	}
	return out.String()
}

func open(t *testing.T, dir string) *bulk.Reader {
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bulk.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		root.Close()
	})
	return r
}

func TestLinesComeOutInOrderAndOneByOne(t *testing.T) {
	const lines = 2000 // of 3 kB on average: several frames, several files
	dir := fill(t, lines, 4<<10)
	var want strings.Builder
	r := open(t, dir)
	for i := range lines {
		got, err := r.Line(fmt.Sprint("p", i))
		if err != nil {
			t.Fatal(err)
		}
		if i%7 == 3 {
			if got != nil {
				t.Fatalf("line %d: %q, want none", i, got)
			}
			continue
		}
		if string(got) != line(i) {
			t.Fatalf("line %d: %.40q", i, got)
		}
		want.WriteString(line(i) + "\n")
	}
	if text(t, dir) != want.String() {
		t.Error("the files do not hold the lines in order")
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*.zst")); len(names) < 2 {
		t.Errorf("only %d files", len(names))
	}
}

func TestTheSameLinesGiveTheSameBytes(t *testing.T) {
	a, b := fill(t, 1500, 0), fill(t, 1500, 0)
	for _, name := range []string{"index.jsonl", "reports-00000.jsonl.zst"} {
		x, errX := os.ReadFile(filepath.Join(a, name))
		y, errY := os.ReadFile(filepath.Join(b, name))
		if err := errors.Join(errX, errY); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestAFileThatIsNotTheIndexsIsAnError(t *testing.T) {
	dir, other := fill(t, 20, 0), fill(t, 40, 0)
	data, err := os.ReadFile(filepath.Join(other, "reports-00000.jsonl.zst"))
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(filepath.Join(dir, "reports-00000.jsonl.zst"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	if got, err := r.Line("p19"); err == nil {
		t.Errorf("%.40q and no error", got)
	}
}

func TestAnEmptyBatchHasAnEmptyIndex(t *testing.T) {
	dir := fill(t, 0, 0)
	if data, err := os.ReadFile(filepath.Join(dir, "index.jsonl")); err != nil || len(data) > 0 {
		t.Errorf("%q, %v", data, err)
	}
}
