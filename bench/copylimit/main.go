// Command copylimit does what a batch on a SQLite store cannot do without, and
// nothing else: it reads the rows of the same objects with plain SQL, a hundred
// versions at a time, reads their MLmodel files, and writes files of the same
// names and sizes. It turns nothing into anything: reports hold blanks. What a
// batch takes longer than this is what its reports cost.
//
//	copylimit -db mlflow.db -artifacts DIR -index OUT/index.json -out DIR [NAME=BYTES ...]
//
// The index is that of a batch over the same store: it names the files. Behind
// the flags stand those that the batch left beside them, index.json among them.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"
)

const chunk = 100 // versions

// A row is what is needed of a row of index.json.
type row struct {
	Model   string
	Version int64
	Files   []struct {
		Path  string
		Bytes int
	}
}

func main() {
	var c copier
	db := flag.String("db", "", "database")
	index := flag.String("index", "", "index.json of a batch")
	flag.StringVar(&c.artifacts, "artifacts", "", "folder of mlflow-artifacts:/")
	flag.StringVar(&c.out, "out", "", "folder to write")
	flag.IntVar(&c.atOnce, "at-once", 1, "chunks at once")
	flag.Parse()
	if err := errors.Join(run(context.Background(), *db, *index, &c), c.beside(flag.Args())); err != nil {
		fmt.Fprintln(os.Stderr, "copylimit:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db, index string, c *copier) error {
	data, err := os.ReadFile(index)
	if err != nil {
		return err
	}
	var list struct{ Entries []row }
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if c.db, err = sql.Open("sqlite", "file:"+db+"?mode=ro&_pragma=cache_size(-4096)"); err != nil {
		return err
	}
	defer c.db.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.atOnce)
	for rows := range slices.Chunk(list.Entries, chunk) {
		g.Go(func() error { return c.copy(ctx, rows) })
	}
	return g.Wait()
}

// A copier reads and writes.
type copier struct {
	db             *sql.DB
	artifacts, out string
	atOnce         int
}

func (c *copier) copy(ctx context.Context, rows []row) error {
	sources, err := c.read(ctx, rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		source := strings.TrimPrefix(sources[fmt.Sprint(r.Model, "/", r.Version)], "mlflow-artifacts:/")
		mlmodel, err := os.ReadFile(filepath.Join(c.artifacts, filepath.FromSlash(source), "MLmodel"))
		if err != nil {
			return err
		}
		for _, f := range r.Files {
			data := mlmodel
			if !strings.HasSuffix(f.Path, "MLmodel") {
				data = bytes.Repeat([]byte{' '}, f.Bytes)
			}
			if err := write(filepath.Join(c.out, filepath.FromSlash(f.Path)), data); err != nil {
				return err
			}
		}
	}
	return nil
}

// beside writes the files of a tree that no row names.
func (c *copier) beside(files []string) error {
	for _, f := range files {
		name, size, _ := strings.Cut(f, "=")
		n, err := strconv.Atoi(size)
		if err == nil {
			err = write(filepath.Join(c.out, name), bytes.Repeat([]byte{' '}, n))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte) error {
	err := os.WriteFile(path, data, 0o640)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
			err = os.WriteFile(path, data, 0o640)
		}
	}
	return err
}

// read reads all rows of some versions, as one program that knows MLflow's
// tables would, and returns where their files are.
func (c *copier) read(ctx context.Context, rows []row) (sources map[string]string, err error) {
	models, pairs := []any{}, []any{}
	for _, r := range rows {
		models, pairs = append(models, r.Model), append(pairs, r.Model, r.Version)
	}
	slices.SortFunc(models, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	models = slices.Compact(models)
	var runs, experiments []any
	sources = map[string]string{}
	ask := func(table, keys string, values []any, each func([]any)) {
		if err == nil {
			err = c.scan(ctx, "SELECT * FROM "+table+" WHERE "+keys, values, each)
		}
	}
	// The registry's keys begin with the workspace: without it, tables are read from end to end.
	named := "workspace = 'default' AND " + in("name", models)
	ask("registered_models", named, models, nil)
	ask("registered_model_tags", named, models, nil)
	ask("registered_model_aliases", named, models, nil)
	both := "workspace = 'default' AND (name, version) IN (VALUES " + repeat("(?,?)", len(rows)) + ")"
	ask("model_version_tags", both, pairs, nil)
	ask("model_versions", both, pairs, func(cells []any) { // name, version, ..., source, run_id: by MLflow's order of columns
		sources[fmt.Sprint(cells[0], "/", cells[1])] = cells[7].(string)
		runs = append(runs, cells[8])
	})
	ask("runs", in("run_uuid", runs), runs, func(cells []any) { experiments = append(experiments, cells[12]) })
	for _, table := range []string{"params", "latest_metrics", "tags"} {
		ask(table, in("run_uuid", runs), runs, nil)
	}
	ask("inputs", in("destination_id", runs), runs, nil)
	ask("inputs", in("source_id", runs), runs, nil)
	ask("experiments", in("experiment_id", experiments), experiments, nil)
	ask("experiment_tags", in("experiment_id", experiments), experiments, nil)
	return sources, err
}

func in(column string, values []any) string {
	return column + " IN (" + repeat("?", len(values)) + ")"
}

func repeat(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+",", n), ",")
}

// scan reads every cell of the rows.
func (c *copier) scan(ctx context.Context, query string, values []any, each func([]any)) error {
	rows, err := c.db.QueryContext(ctx, query, values...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if each != nil {
			each(cells)
		}
	}
	return rows.Err()
}
