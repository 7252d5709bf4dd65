//go:build unix

package main

import (
	"cmp"
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TestDatabaseServerDoors is TestDoors for MLflow on PostgreSQL and MariaDB:
// equal objects, and equal trees.
func TestDatabaseServerDoors(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	for _, kind := range []string{"postgresql", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			db, dir, ids := mlflowtest.DatabaseWorld(t, kind)
			s := mlflowtest.StartServer(t, mlflowtest.ServerOptions{Backend: db.URI(""), Dir: dir})
			s.IDs = ids
			var c mlflowtest.Conformance
			password := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(password, []byte(db.Password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			scheme, _, _ := strings.Cut(db.URI(""), ":")
			if kind == "mysql" {
				forgetTwin(t, db, s)
			}
			d := &doors{unordered: kind == "mysql", Server: s, where: "MLflow " + s.Version + ", " + kind, written: scheme + "://" + db.User + ":${file:" + password + "}@" + db.Host + "/" + db.Name}
			t.Run("objects", func(t *testing.T) { d.sameObjects(t, &c) })
			t.Run("trees", func(t *testing.T) { d.sameTrees(t, &c) })
			t.Run("get", func(t *testing.T) { d.noPassword(t, db) })
		})
	}
}

// forgetTwin removes the version that was registered under its model's name in
// other letters. For MariaDB that is one model; MLflow's server, which takes
// them for two, answers 500 to all searches from then on.
func forgetTwin(t *testing.T, db *mlflowtest.DatabaseServer, s *mlflowtest.Server) {
	t.Helper()
	dropTwin(t, db)
	s.IDs.Versions = slices.DeleteFunc(s.IDs.Versions, func(uri string) bool { return strings.Contains(uri, "casetwin") })
}

func dropTwin(t *testing.T, db *mlflowtest.DatabaseServer) {
	t.Helper()
	db.Exec(t, "DELETE FROM model_version_tags WHERE BINARY name = 'casetwin'")
	db.Exec(t, "DELETE FROM model_versions WHERE BINARY name = 'casetwin'")
}

// inByteOrder is a server whose listings are put in the order that all other
// stores have: MLflow leaves that to the database.
type inByteOrder struct{ *rest.Reader }

// ListModels lists registered models by name.
func (s inByteOrder) ListModels(ctx context.Context, q fetch.Query) iter.Seq2[mlflow.RegisteredModel, error] {
	return sorted(s.Reader.ListModels(ctx, q), func(a, b mlflow.RegisteredModel) int { return strings.Compare(a.Name(), b.Name()) })
}

// ListVersions lists model versions by name and number.
func (s inByteOrder) ListVersions(ctx context.Context, q fetch.Query) iter.Seq2[fetch.Version, error] {
	return sorted(s.Reader.ListVersions(ctx, q), func(a, b fetch.Version) int {
		return cmp.Or(strings.Compare(a.ID().Model, b.ID().Model), cmp.Compare(a.ID().Version, b.ID().Version))
	})
}

// sorted is a listing in another order; an error stays last.
func sorted[V any](list iter.Seq2[V, error], order func(a, b V) int) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var all []V
		var none V
		var failed error
		for v, err := range list {
			if failed = err; err != nil {
				break
			}
			all = append(all, v)
		}
		slices.SortStableFunc(all, order)
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
		if failed != nil {
			yield(none, failed)
		}
	}
}

// noPassword shows an object, with all that is logged about it.
func (d *doors) noPassword(t *testing.T, db *mlflowtest.DatabaseServer) {
	stdout, stderr, code := command(t, t.TempDir(), nil, "-v", "get-registered-model", "--registered-model", "Sklearn_Wine", "--tracking-uri", db.URI(""))
	if code != 0 || !strings.Contains(stdout, `"Sklearn_Wine"`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, secret := range []string{"s3cret", "w?rd", "w%3Frd"} {
		if strings.Contains(stdout+stderr, secret) {
			t.Errorf("%q is shown:\n%s%s", secret, stdout, stderr)
		}
	}
}
