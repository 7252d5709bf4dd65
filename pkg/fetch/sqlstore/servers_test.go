//go:build unix

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/sqlstore"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TestDatabaseServers reads PostgreSQL and MariaDB, which hold the test world
// and more models, whose order differs from language to language.
func TestDatabaseServers(t *testing.T) {
	for _, kind := range []string{"postgresql", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			d, _, _ := mlflowtest.DatabaseWorld(t, kind)
			for _, name := range []string{"ZEBRA", "apple", "Öl"} {
				d.Exec(t, "INSERT INTO registered_models (name, workspace, creation_time, description) VALUES ('"+name+"', 'default', 1, NULL)")
			}
			t.Run("any key", func(t *testing.T) { readsAnyKey(t, d) })
			t.Run("listings", func(t *testing.T) { listsInByteOrderByPlainPatterns(t, d) })
			t.Run("snapshot", func(t *testing.T) { showsOneMoment(t, d) })
			t.Run("denied", func(t *testing.T) { tellsWhatMayNotBeRead(t, d) })
			if kind == "postgresql" {
				t.Run("libpq", func(t *testing.T) { isOpenedAsLibpqDoes(t, d) })
			}
			t.Run("slow", func(t *testing.T) { isNotWaitedForLonger(t, d) }) // last: it changes a table
		})
	}
}

func open(t *testing.T, uri string, o sqlstore.Options) *sqlstore.Store {
	t.Helper()
	o.URI = uri
	s, err := sqlstore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func names(t *testing.T, s *sqlstore.Store, like string) (all []string) {
	t.Helper()
	for m, err := range s.ListModels(t.Context(), fetch.Query{Like: like}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Name())
	}
	return all
}

func readsAnyKey(t *testing.T, d *mlflowtest.DatabaseServer) {
	s := open(t, d.URI(""), sqlstore.Options{Connections: 1})
	keys := []string{"Sklearn_Wine", "SKLEARN_WINE", "Sklearn_Wine ", "a\x00b", "\xff", "", "apple"}
	for i := range 2500 { // more than one query takes
		keys = append(keys, fmt.Sprint("nobody ", i))
	}
	found, err := s.Models(t.Context(), keys)
	if err != nil || len(found) != len(keys) {
		t.Fatal(len(found), err)
	}
	for k, r := range found {
		if (k == "Sklearn_Wine" || k == "apple") != (r.Err == nil) || r.Err != nil && !errors.Is(r.Err, mlflow.ErrNotFound) {
			t.Errorf("%q: %v", k, r.Err)
		}
	}
	ids := []mlflow.VersionID{{Model: "Sklearn_Wine", Version: 1}, {Model: "sklearn_wine", Version: 1}, {Model: "Sklearn_Wine", Version: 1 << 60}, {Model: "\xff", Version: 1}}
	versions, err := s.Versions(t.Context(), ids)
	if err != nil || versions[ids[0]].Err != nil {
		t.Fatal(err, versions[ids[0]].Err)
	}
	for _, id := range ids[1:] {
		if !errors.Is(versions[id].Err, mlflow.ErrNotFound) {
			t.Errorf("%v: %v", id, versions[id].Err)
		}
	}
	if _, err := s.ExperimentByName(t.Context(), "DEFAULT"); !errors.Is(err, mlflow.ErrNotFound) {
		t.Errorf("names in other letters: %v", err)
	}
}

func listsInByteOrderByPlainPatterns(t *testing.T, d *mlflowtest.DatabaseServer) {
	s := open(t, d.URI(""), sqlstore.Options{})
	all := names(t, s, "")
	if len(all) < 15 {
		t.Errorf("only %q", all)
	}
	for i := range all[1:] {
		if all[i] >= all[i+1] {
			t.Errorf("%q stands before %q", all[i], all[i+1])
		}
	}
	if got := names(t, s, `back\slash`); len(got) != 1 || got[0] != `back\slash` {
		t.Errorf("a pattern with a backslash finds %q", got)
	}
}

func showsOneMoment(t *testing.T, d *mlflowtest.DatabaseServer) {
	s := open(t, d.URI(""), sqlstore.Options{})
	r, done, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	description := func(r fetch.Reader) string {
		found, err := r.Models(t.Context(), []string{"apple"})
		if err != nil || found["apple"].Err != nil {
			t.Fatal(err, found["apple"].Err)
		}
		return found["apple"].Value.Text("description")
	}
	before := description(r)
	d.Exec(t, "UPDATE registered_models SET description = 'new' WHERE name = 'apple'")
	if got := description(r); got != before {
		t.Errorf("the snapshot shows %q, which was written later", got)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	if got := description(s); got != "new" {
		t.Errorf("after the snapshot: %q", got)
	}
}

// A user who may not read one table gets all the rest.
func tellsWhatMayNotBeRead(t *testing.T, d *mlflowtest.DatabaseServer) {
	uri := reader(t, d)
	if d.Kind == "mysql" { // which shows nobody what they may not read
		_, err := sqlstore.Open(t.Context(), sqlstore.Options{URI: uri})
		if !errors.Is(err, mlflow.ErrUnsupported) || !strings.Contains(err.Error(), "lacks MLflow's tables registered_model_aliases") || !strings.Contains(mlflow.Hint(err), "GRANT SELECT") {
			t.Errorf("a hidden table: %v", err)
		}
		return
	}
	s := open(t, uri, sqlstore.Options{})
	r, done, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = done() }()
	models, err := r.Models(t.Context(), []string{"apple"})
	if err != nil || !errors.Is(models["apple"].Err, mlflow.ErrDenied) || mlflow.Hint(models["apple"].Err) == "" {
		t.Errorf("%v, %v; want denied", err, models["apple"].Err)
	}
	found, err := r.Experiments(t.Context(), []string{"0"})
	if err != nil || found["0"].Err != nil {
		t.Errorf("after a refused query: %v, %v", err, found["0"].Err)
	}
}

// reader makes a user who may read all tables but that of aliases.
func reader(t *testing.T, d *mlflowtest.DatabaseServer) string {
	t.Helper()
	const password = "r3ader@/?"
	if d.Kind == "postgresql" {
		d.Exec(t, "CREATE USER looker PASSWORD '"+password+"'")
		d.Exec(t, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
		d.Exec(t, "REVOKE SELECT ON registered_model_aliases FROM looker")
	} else {
		d.Exec(t, "CREATE USER looker@'%' IDENTIFIED BY '"+password+"'")
		for _, table := range []string{
			"experiments", "experiment_tags", "runs", "tags", "params", "latest_metrics", "registered_models", "registered_model_tags", "model_versions",
			"model_version_tags", "datasets", "inputs", "input_tags", "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics",
		} {
			d.Exec(t, "GRANT SELECT ON "+d.Name+"."+table+" TO looker@'%'")
		}
	}
	return d.URIOf("looker", password, "")
}

func TestDatabaseServersThatCannotBeOpenedSayWhy(t *testing.T) {
	for _, kind := range []string{"postgresql", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			d := mlflowtest.StartDatabase(t, kind)
			tls := map[string]string{"postgresql": "sslmode=require", "mysql": "ssl_mode=REQUIRED"}[kind]
			for name, c := range map[string]struct {
				uri  string
				kind error
				want string
			}{
				"no tables":      {d.URI(""), mlflow.ErrInvalid, "holds no MLflow tables"},
				"wrong password": {d.URIOf(d.User, "hunter2", ""), mlflow.ErrDenied, "refused the login"},
				"wrong user":     {d.URIOf("nobody", "hunter2", ""), mlflow.ErrDenied, "refused the login"},
				"no database":    {strings.Replace(d.URI(""), "/"+d.Name, "/other", 1), mlflow.ErrNotFound, "there is no database"},
				"no server":      {strings.Replace(d.URI(""), d.Host, "127.0.0.1:1", 1), mlflow.ErrUnavailable, "cannot be reached"},
				"no TLS":         {d.URI(tls), mlflow.ErrUnavailable, "no safe connection"},
				"unknown option": {d.URI("init_command=x"), mlflow.ErrInvalid, "the option init_command"},
				"option twice":   {d.URI(tls + "&" + tls), mlflow.ErrInvalid, "more than once"},
			} {
				var log strings.Builder
				s, err := sqlstore.Open(t.Context(), sqlstore.Options{URI: c.uri, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				if err == nil {
					_ = s.Close()
					t.Errorf("%s: no error", name)
					continue
				}
				text := err.Error() + "\n" + mlflow.Hint(err)
				if !errors.Is(err, c.kind) || !strings.Contains(text, c.want) || mlflow.Hint(err) == "" {
					t.Errorf("%s: %v is not %v with %q", name, text, c.kind, c.want)
				}
				for _, secret := range []string{"s3cret", "hunter2", "w%3Frd", "w?rd"} {
					if shown := fmt.Sprintf("%s %+v %#v %s", text, err, err, log.String()); strings.Contains(shown, secret) {
						t.Errorf("%s: the password is shown: %s", name, shown)
					}
				}
			}
		})
	}
}

// isOpenedAsLibpqDoes opens a PostgreSQL whose address says less than all, with
// what libpq's users have beside it.
func isOpenedAsLibpqDoes(t *testing.T, d *mlflowtest.DatabaseServer) {
	host, port, _ := strings.Cut(d.Host, ":")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	right := write("pgpass", "elsewhere:*:*:*:hunter2\n"+host+":"+port+":*:"+d.User+":"+d.Password+"\n")
	wrong := write("wrong", "*:*:*:*:hunter2\n")
	services := write("services", "[tracking]\nhost="+host+"\nport="+port+"\ndbname="+d.Name+"\nuser="+d.User+"\npassword="+d.Password+"\n")
	bare := "postgresql://" + d.User + "@" + d.Host + "/" + d.Name
	for _, c := range []struct {
		name, uri string
		env       map[string]string
		own       bool
		kind      error // nil: it opens
	}{
		{"nothing", bare, nil, false, mlflow.ErrDenied},
		{"PGPASSFILE", bare, map[string]string{"PGPASSFILE": right}, false, nil},
		{"a password file that is wrong", bare, map[string]string{"PGPASSFILE": wrong}, false, mlflow.ErrDenied},
		{"passfile of the address wins", bare + "?passfile=" + right, map[string]string{"PGPASSFILE": wrong}, false, nil},
		{"a service", "postgresql:///?service=tracking", map[string]string{"PGSERVICEFILE": services}, false, nil},
		{"PGPASSWORD of this server", bare, map[string]string{"PGPASSWORD": d.Password}, true, nil},
		{"PGPASSWORD of another server", bare, map[string]string{"PGPASSWORD": d.Password}, false, mlflow.ErrDenied},
		{"PGSSLMODE=require, and the server has no TLS", bare, map[string]string{"PGPASSFILE": right, "PGSSLMODE": "require"}, false, mlflow.ErrUnavailable},
		{"PGSSLMODE=prefer", bare, map[string]string{"PGPASSFILE": right, "PGSSLMODE": "prefer"}, false, nil},
		{"sslmode of the address wins", bare + "?sslmode=disable", map[string]string{"PGPASSFILE": right, "PGSSLMODE": "verify-full"}, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"PGPASSFILE", "PGSERVICEFILE", "PGPASSWORD", "PGSSLMODE", "PGSERVICE"} {
				t.Setenv(name, c.env[name])
			}
			if c.env["PGPASSFILE"] == "" {
				t.Setenv("PGPASSFILE", filepath.Join(dir, "none")) // not this machine's own
			}
			s, err := sqlstore.Open(t.Context(), sqlstore.Options{URI: c.uri, OwnEnvironment: c.own})
			if err == nil {
				_ = s.Close()
			}
			if (c.kind == nil) != (err == nil) || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("%v, not %v", err, c.kind)
			}
		})
	}
}

func isNotWaitedForLonger(t *testing.T, d *mlflowtest.DatabaseServer) {
	slow := map[string]string{
		"postgresql": "CREATE VIEW slow AS SELECT * FROM registered_model_tags_old WHERE pg_sleep(600) IS NOT NULL",
		"mysql":      "CREATE VIEW slow AS SELECT t.* FROM registered_model_tags_old t WHERE SLEEP(600) = 0",
	}[d.Kind]
	d.Exec(t, "ALTER TABLE registered_model_tags RENAME TO registered_model_tags_old")
	d.Exec(t, slow)
	if d.Kind == "postgresql" {
		d.Exec(t, "ALTER VIEW slow RENAME TO registered_model_tags")
	} else {
		d.Exec(t, "RENAME TABLE slow TO registered_model_tags")
	}
	s := open(t, d.URI(""), sqlstore.Options{StatementTimeout: 300 * time.Millisecond})
	found, err := s.Models(t.Context(), []string{"Sklearn_Wine"})
	if got := found["Sklearn_Wine"].Err; err != nil || !errors.Is(got, mlflow.ErrUnavailable) || !strings.Contains(got.Error(), "took too long") {
		t.Errorf("%v, %v", err, got)
	}
	s = open(t, d.URI(""), sqlstore.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Models(ctx, []string{"Sklearn_Wine"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
}
