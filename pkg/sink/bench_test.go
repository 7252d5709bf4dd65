package sink

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/report"
	"golang.org/x/sync/errgroup"
)

// BenchmarkWrite10000Reports writes 10,000 reports of 6 kB with their MLmodel
// files of 1 kB, 100 versions a model, into a file system in memory where
// there is one: into a new tree, again unchanged, and with plain calls of the
// os package, which is what the disk itself costs.
func BenchmarkWrite10000Reports(b *testing.B) {
	const n = 10000
	reports := make([]Report, n)
	model := []byte(strings.Repeat("flavors: {}\n", 85))
	for i := range reports {
		reports[i] = Report{Place: fmt.Sprintf("model_%d/%d", i/100, i%100+1), JSON: doc("t", fmt.Sprintf("run={\"id\": %d}", i), `registered_model="`+strings.Repeat("x", 5900)+`"`), MLmodel: model}
	}
	write := func(b *testing.B, dir string) {
		tree := openTree(b, Options{Dir: dir})
		var g errgroup.Group
		g.SetLimit(4)
		for i, r := range reports {
			g.Go(func() error {
				w, err := tree.WriteReport(r)
				if err != nil {
					return err
				}
				return tree.Add(rowOf(i, r, w))
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		if err := tree.Commit(report.Index{}, Run{}); err != nil {
			b.Fatal(err)
		}
		tree.Close()
	}
	run := func(name string, again bool, do func(*testing.B, string)) {
		b.Run(name, func(b *testing.B) {
			dir := memory(b) + "/out"
			for i := 0; b.Loop(); i++ {
				if !again {
					b.StopTimer()
					os.RemoveAll(dir)
					b.StartTimer()
				} else if i == 0 {
					b.StopTimer()
					do(b, dir)
					b.StartTimer()
				}
				do(b, dir)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
	run("new", false, write)
	run("unchanged", true, write)
	run("plain", false, func(b *testing.B, dir string) {
		for _, r := range reports {
			at := dir + "/model_reports/" + r.Place
			if err := os.MkdirAll(at, 0o750); err != nil {
				b.Fatal(err)
			}
			os.WriteFile(at+"/report.json", r.JSON, 0o640)
			os.WriteFile(at+"/MLmodel", r.MLmodel, 0o640)
		}
	})
}
