//go:build unix

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

var (
	sizes = flag.String("sizes", "", "numbers of versions to measure with, ascending, such as 1000,10000")
	into  = flag.String("into", "results.md", "the file in this folder that is written")
)

const (
	rounds    = 3
	quick     = 5.0 // seconds: what takes less is run quickRuns times a round
	quickRuns = 3
)

// TestTable measures and writes a file of results. It fails when a case fails, not
// when a ratio does not hold: the machine may be busy.
func TestTable(t *testing.T) {
	if *sizes == "" {
		t.Skip("this is for `make bench`")
	}
	b := newBench(t)
	var all []*size
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		s := b.prepare(n, len(all) == 0)
		b.measure(s)
		all = append(all, s)
	}
	text := results(b, all)
	if err := os.WriteFile(filepath.Join(b.root, "bench", *into), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fmt.Print(text)
}

// A bench holds what all sizes share.
type bench struct {
	t        *testing.T
	root     string // of the repository
	bin      string // folder of the programs
	work     string // in memory where there is such a file system
	python   string // MLflow 3's
	started  time.Time
	busy     string // what the machine was doing already
	helpTime time.Duration
	other    neighbour // of the first size
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, root: mlflowtest.Root(t), bin: t.TempDir(), started: time.Now(), busy: loadAverage()}
	b.python = mlflowtest.Python(t, mlflowtest.MLflow3)
	memory, err := os.MkdirTemp("/dev/shm", "mlreport-bench")
	if err != nil {
		memory = t.TempDir()
	}
	b.work = memory
	t.Cleanup(func() { os.RemoveAll(memory) })
	for _, program := range []string{"./bench/measured", "./cmd/mlreport", "./bench/store", "./bench/copylimit", "./bench/serverlimit"} {
		build := exec.Command("go", "build", "-trimpath", "-o", b.bin, program)
		build.Dir, build.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", program, err, out)
		}
	}
	var starts []time.Duration
	for range 11 {
		starts = append(starts, time.Duration(b.run(exec.Command(b.program("mlreport"), "--help")).seconds*float64(time.Second)))
	}
	b.helpTime = median(starts)
	return b
}

func (b *bench) program(name string) string { return filepath.Join(b.bin, name) }

// Figures are what one run of a program took.
type figures struct {
	seconds  float64
	cpu      float64 // seconds, of user and system
	memory   float64 // MB, at its peak
	requests float64
	models   float64
	output   []byte
}

// run runs a program to its end.
func (b *bench) run(cmd *exec.Cmd) figures {
	b.t.Helper()
	if cmd.Err != nil {
		b.t.Fatal(cmd.Err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	defer read.Close()
	through := exec.Command(b.program("measured"), append([]string{cmd.Path}, cmd.Args[1:]...)...)
	var stdout, stderr bytes.Buffer
	through.Stdin, through.Stdout, through.Stderr = cmd.Stdin, &stdout, &stderr
	through.Dir, through.Env, through.ExtraFiles = cmd.Dir, cmd.Env, []*os.File{write}
	err = errors.Join(through.Run(), write.Close())
	if err != nil {
		b.t.Fatalf("%s: %v\n%.2000s\n%.2000s", cmd, err, &stdout, &stderr)
	}
	var used struct{ Seconds, CPU, Memory float64 }
	if err := json.NewDecoder(read).Decode(&used); err != nil {
		b.t.Fatalf("%s: what it took: %v", cmd, err)
	}
	return figures{seconds: used.Seconds, cpu: used.CPU, memory: used.Memory / (1 << 20), output: stdout.Bytes()}
}

// measure runs all cases in turns.
func (b *bench) measure(s *size) {
	for round := range rounds {
		for _, c := range s.cases {
			if round > 0 && c.once {
				continue
			}
			b.take(s, c, round)
			for n := 1; n < quickRuns && c.took[len(c.took)-1].seconds < quick; n++ {
				b.take(s, c, round)
			}
		}
	}
	if b.other == (neighbour{}) {
		b.other = b.neighbours(s)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		b.t.Fatal(err)
	}
}

// take runs a case once.
func (b *bench) take(s *size, c *measured, round int) {
	b.remove(s.out)
	f := c.run()
	if f.models == 0 {
		f.models = float64(s.versions)
	}
	c.took = append(c.took, f)
	fmt.Fprintf(os.Stderr, "%8d  round %d  %-34s %8.2f s  %7.2f s CPU  %5.0f MB\n", s.versions, round+1, c.name, f.seconds, f.cpu, f.memory)
}

// store makes the store of a size and what serves it.
func (b *bench) store(s *size, withFolder bool) {
	args := []string{"-mlflow", filepath.Join(filepath.Dir(b.python), "mlflow"), "-versions", strconv.Itoa(s.versions)}
	if withFolder {
		args = append(args, "-mlruns")
	}
	b.run(exec.CommandContext(context.Background(), b.program("store"), append(args, s.dir)...))
}
