//go:build unix

package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

func cores() int { return runtime.GOMAXPROCS(0) }

func median[T cmp.Ordered](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// of is the median of one figure over the rounds.
func (m *measured) of(figure func(figures) float64) float64 {
	var list []float64
	for _, f := range m.took {
		list = append(list, figure(f))
	}
	return median(list)
}

func seconds(f figures) float64  { return f.seconds }
func perModel(f figures) float64 { return f.seconds / f.models }
func cpu(f figures) float64      { return f.cpu }
func memory(f figures) float64   { return f.memory }

func cpuPerModel(f figures) float64 { return f.cpu / f.models }

func (s *size) find(number string) *measured {
	for _, m := range s.cases {
		if m.number == number {
			return m
		}
	}
	return nil
}

// results is the text of results.md.
func results(b *bench, all []*size) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# What a batch costs\n\n`make bench` wrote this in %s. Figures are medians of %d rounds in which all cases ran once, those of less than five seconds three times, and case 1 of large stores in one round only; only the ratios mean something elsewhere.\n\n%s\n",
		time.Since(b.started).Round(time.Second), rounds, machine(b))
	for _, s := range all {
		fmt.Fprintf(&out, "## %d versions\n\n| case | what | models | seconds | models/s | requests | CPU s | peak MB |\n|---|---|---:|---:|---:|---:|---:|---:|\n", s.versions)
		for _, m := range s.cases {
			first := m.took[0]
			fmt.Fprintf(&out, "| %s | %s | %.0f | %.2f | %.0f | %.0f | %.2f | %.0f |\n",
				m.number, m.name, first.models, m.of(seconds), 1/m.of(perModel), first.requests, m.of(cpu), m.of(memory))
		}
		out.WriteString("\n")
	}
	out.WriteString("## Ratios\n\n| ratio | versions | is | must be | holds |\n|---|---:|---:|---:|---|\n")
	for _, r := range ratios(b, all) {
		holds := "yes"
		if r.is > r.atMost || r.is < r.atLeast {
			holds = "**no**"
		}
		limit := fmt.Sprintf("<= %g", r.atMost)
		if r.atLeast > 0 {
			limit = fmt.Sprintf(">= %g", r.atLeast)
		}
		if r.atMost == 0 && r.atLeast == 0 {
			limit, holds = "-", "-"
		}
		fmt.Fprintf(&out, "| %s | %s | %.2f | %s | %s |\n", r.name, r.of, r.is, limit, holds)
	}
	return out.String()
}

// A ratio is one line of the second table.
type ratio struct {
	name, of        string
	is              float64
	atMost, atLeast float64 // 0: no such limit
}

func ratios(b *bench, all []*size) []ratio {
	const none = 1e9
	var list []ratio
	for i, s := range all {
		add := func(name string, is, atMost, atLeast float64) {
			list = append(list, ratio{name, fmt.Sprint(s.versions), is, atMost, atLeast})
		}
		of := func(name, a, b string, figure func(figures) float64, atMost, atLeast float64) {
			if x, y := s.find(a), s.find(b); x != nil && y != nil {
				add(name, x.of(figure)/y.of(figure), atMost, atLeast)
			}
		}
		of("case 1 / server limit, time", "1", "9", seconds, 1.15, 0)
		of("case 7 / case 1, time per model", "7", "1", perModel, none, 8)
		of("case 7 / case 3, time per model", "7", "3", perModel, none, 100)
		of("plain keep-alive / acknowledged at once, time", "9a", "9", seconds, 0, 0)
		of("case 3 / copy limit, time", "3", "10", seconds, 1.5, 0)
		of("case 3 / copy limit with a chunk per core, time", "3", "10b", seconds, 0, 0)
		of("case 6 / case 3, time", "6", "3", seconds, 0.5, 0)
		for _, number := range []string{"1", "3"} {
			add("case "+number+", peak MB", s.find(number).of(memory), 200, 0)
			if i > 0 {
				growth(add, number, s, all[i-1])
			}
		}
	}
	n := b.other
	list = append(list,
		ratio{"another client's request during case 1 / on the idle server, median", fmt.Sprint(all[0].versions), n.busy.Seconds() / n.idle.Seconds(), 0, 0},
		ratio{"the same, the slowest request / the idle median", fmt.Sprint(all[0].versions), n.slowest.Seconds() / n.idle.Seconds(), 0, 0})
	return append(list, ratio{"`mlreport --help`, ms", "-", float64(b.helpTime.Microseconds()) / 1000, 30, 0})
}

// growth adds what a case costs in a larger store, against a smaller one. The
// time of case 1 is the server's, whose own answers take longer in a large store:
// what must not grow is the processor's time, and case 1 against the server limit.
func growth(add func(name string, is, atMost, atLeast float64), number string, large, small *size) {
	against := func(what string, figure func(figures) float64, atMost float64) {
		name := fmt.Sprintf("case %s, %s against %d versions", number, what, small.versions)
		add(name, large.find(number).of(figure)/small.find(number).of(figure), atMost, 0)
	}
	memoryLimit, timeLimit := 0.0, 1.1
	if small.versions >= 10_000 {
		memoryLimit = 1.2
	}
	if number == "1" {
		timeLimit = 0
	}
	against("peak memory", memory, memoryLimit)
	against("CPU time per model", cpuPerModel, 1.1)
	against("time per model", perModel, timeLimit)
}

// machine describes what was measured on.
func machine(b *bench) string {
	where := "a disk"
	if strings.HasPrefix(b.work, "/dev/shm") {
		where = "memory (tmpfs)"
	}
	var kernel bytes.Buffer
	uname := exec.Command("uname", "-srm")
	uname.Stdout = &kernel
	if err := uname.Run(); err != nil {
		kernel.WriteString(runtime.GOOS)
	}
	return fmt.Sprintf("- %d cores of %s, %s of memory, %s, load average %s when it began\n- %s; MLflow %s with 2 workers, server and client on this machine; stores and trees in %s\n",
		cores(), fieldOf("/proc/cpuinfo", "model name"), fieldOf("/proc/meminfo", "MemTotal"), strings.TrimSpace(kernel.String()), b.busy,
		runtime.Version(), mlflowtest.MLflow3, where)
}

// fieldOf finds `name : value` in one of Linux's files.
func fieldOf(file, name string) string {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown kind"
}

func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
