//go:build unix

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// fillPostgres starts a PostgreSQL with the same rows and returns its URI.
func (b *bench) fillPostgres(s *size) string {
	d := mlflowtest.StartDatabase(b.t, "postgresql")
	b.run(exec.CommandContext(context.Background(), filepath.Join(filepath.Dir(b.python), "mlflow"), "db", "upgrade", d.URI("")))
	ctx := b.t.Context()
	to, err := pgx.Connect(ctx, (&url.URL{Scheme: "postgres", User: url.UserPassword(d.User, d.Password), Host: d.Host, Path: d.Name}).String())
	if err != nil {
		b.t.Fatal(err)
	}
	defer to.Close(ctx)
	from, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "mlflow.db")+"?mode=ro")
	if err != nil {
		b.t.Fatal(err)
	}
	defer from.Close()
	for _, table := range []string{ // what others refer to comes first
		"experiments", "registered_models", "registered_model_tags", "registered_model_aliases", "model_versions", "model_version_tags",
		"runs", "params", "latest_metrics", "tags",
	} {
		if err := copyTable(ctx, from, to, table); err != nil {
			b.t.Fatalf("filling %s of PostgreSQL: %v", table, err)
		}
	}
	if _, err := to.Exec(ctx, "ANALYZE"); err != nil {
		b.t.Fatal(err)
	}
	return d.URI("")
}

func copyTable(ctx context.Context, from *sql.DB, to *pgx.Conn, table string) error {
	if _, err := to.Exec(ctx, "TRUNCATE "+table+" CASCADE"); err != nil {
		return err
	}
	rows, err := from.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	isNaN := -1 // a boolean, which SQLite has not
	for i, name := range names {
		if name == "is_nan" {
			isNaN = i
		}
	}
	_, err = to.CopyFrom(ctx, pgx.Identifier{table}, names, pgx.CopyFromFunc(func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		cells, into := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if isNaN >= 0 {
			cells[isNaN] = strings.Contains(fmt.Sprint(cells[isNaN]), "1")
		}
		return cells, nil
	}))
	return err
}
