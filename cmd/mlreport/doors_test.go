//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/filestore"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/fetch/sqlstore"
)

// A doors is a real server over the test world, and the store behind it.
type doors struct {
	*mlflowtest.Server
	where string // as mlflowtest.Differences has it

	unordered bool   // the server lists names in the order of a language
	written   string // tracking() as a manifest may have it, without a password
}

// TestDoors shows that a server and the store behind it give equal reports.
// Its parts share their servers, which take longest to start.
func TestDoors(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	var c mlflowtest.Conformance
	checked := 0
	versions := []string{mlflowtest.MLflow2, mlflowtest.MLflow3}
	if more := os.Getenv("MLREPORT_TEST_MLFLOW"); more != "" { // such as 3.8.1,1.30.1: differences are only shown
		versions = strings.Split(more, ",")
	}
	for _, version := range versions {
		for _, backend := range []string{"sqlite", "folder"} {
			t.Run(version+" "+backend, func(t *testing.T) {
				name := map[string]string{"sqlite": "database", "folder": "folder"}[backend]
				d := &doors{Server: mlflowtest.World(t, version, backend), where: "MLflow " + version + ", " + name}
				t.Run("objects", func(t *testing.T) { d.sameObjects(t, &c); checked++ })
				t.Run("trees", func(t *testing.T) { d.sameTrees(t, &c); checked++ })
				t.Run("commands", d.commandsShowEachObject)
				if backend == "sqlite" {
					t.Run("requests", d.fewRequests)
				} else {
					t.Run("misread", func(t *testing.T) { d.misread(t, &c); checked++ })
				}
			})
		}
	}
	if checked < 10 {
		return // not all of it ran
	}
	for _, u := range c.Unmet() {
		t.Errorf("no store shows this difference any more: %+v", u)
	}
}

// tracking is the URI of the store itself.
func (d *doors) tracking() string {
	switch {
	case d.Database != "":
		return "sqlite:///" + filepath.ToSlash(d.Database)
	case d.Folder != "":
		return d.Folder
	}
	return d.Backend // of a database server
}

// inManifest is tracking() as a manifest has it.
func (d *doors) inManifest() string {
	if d.written != "" {
		return d.written
	}
	return d.tracking()
}

func (d *doors) serverDoor(t *testing.T) fetch.Source {
	t.Helper()
	c, err := rest.NewClient(rest.Options{TrackingURI: d.URL, MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if d.unordered {
		return inByteOrder{rest.NewReader(c, nil)}
	}
	return rest.NewReader(c, nil)
}

func (d *doors) storeDoor(t *testing.T) fetch.Source {
	t.Helper()
	if d.Folder == "" {
		db, err := sqlstore.Open(t.Context(), sqlstore.Options{URI: d.tracking()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	folder, err := filestore.Open(t.Context(), filestore.Options{Dir: d.Folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return folder
}

func (d *doors) pair(t *testing.T, k mlflowtest.Keys) mlflowtest.Pair {
	return mlflowtest.Pair{Keys: k, Where: d.where, Server: d.serverDoor(t), Store: d.storeDoor(t)}
}

func (d *doors) sameObjects(t *testing.T, c *mlflowtest.Conformance) {
	for _, wrong := range c.Check(t.Context(), d.pair(t, d.IDs.Keys())) {
		t.Error(wrong)
	}
}
