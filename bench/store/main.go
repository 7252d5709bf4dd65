// Command store makes a large MLflow store to measure with: a SQLite database
// in the schema of the MLflow that runs it, the MLmodel files beside it, and,
// when asked, the same objects as an mlruns folder.
//
//	go run ./bench/store -mlflow .cache/mlflow-3.17.2/bin/mlflow -versions 10000 DIR
//
// Each model has five versions; each version has a run of its own with 20
// params, 10 metrics and 8 tags in one of 20 experiments, and a file of 1 kB.
// The same arguments make the same store. It reads nothing but its arguments.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	_ "modernc.org/sqlite"
)

const (
	experiments = 20
	versionsOf  = 5 // of each model
	began       = 1_700_000_000_000
)

// options are the command line.
type options struct {
	dir, mlflow string
	versions    int
	noArtifacts bool
	folder      bool
}

func main() {
	var o options
	flag.StringVar(&o.mlflow, "mlflow", "mlflow", "the mlflow `program` whose schema the database gets")
	flag.IntVar(&o.versions, "versions", 1000, "how many model versions")
	flag.BoolVar(&o.noArtifacts, "no-artifacts", false, "rows only, no MLmodel files")
	flag.BoolVar(&o.folder, "mlruns", false, "also write DIR/mlruns")
	flag.Parse()
	o.dir = flag.Arg(0)
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.dir == "" {
		return errors.New("usage: store [flags] DIR")
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	file, err := filepath.Abs(filepath.Join(o.dir, "mlflow.db"))
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, o.mlflow, "db", "upgrade", "sqlite:///"+file).CombinedOutput(); err != nil {
		return fmt.Errorf("making the schema: %w\n%s", err, out)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)")
	if err != nil {
		return err
	}
	rows, err := newRows(ctx, db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	writers := []writer{rows}
	if !o.noArtifacts {
		writers = append(writers, files{filepath.Join(o.dir, "artifacts")})
	}
	if o.folder {
		writers = append(writers, folder{filepath.Join(o.dir, "mlruns")})
	}
	err = fill(o.versions, writers)
	return errors.Join(err, rows.close(err == nil), db.Close())
}

// A writer puts objects into one kind of store.
type writer interface {
	experiment(id int) error
	model(m model) error
	version(v version) error
}

// fill makes up all objects and gives them to the writers.
func fill(versions int, to []writer) error {
	rng := rand.New(rand.NewPCG(1, 2))
	for id := 1; id <= experiments; id++ {
		for _, w := range to {
			if err := w.experiment(id); err != nil {
				return err
			}
		}
	}
	for n := range versions {
		m := model(n / versionsOf)
		v := newVersion(rng, m, n%versionsOf+1)
		for _, w := range to {
			if v.number == 1 {
				if err := w.model(m); err != nil {
					return err
				}
			}
			if err := w.version(v); err != nil {
				return err
			}
		}
	}
	return nil
}
