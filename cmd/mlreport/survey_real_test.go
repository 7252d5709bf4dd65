//go:build unix

package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/filestore"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/fetch/sqlstore"
)

// What a store holds beside registered models is the same through a real
// server and in the store behind it.
func TestSurveysAreEqualAtEachDoor(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	for _, version := range []string{mlflowtest.MLflow2, mlflowtest.MLflow3} {
		for _, backend := range []string{"sqlite", "folder"} {
			t.Run(version+" "+backend, func(t *testing.T) {
				s := mlflowtest.World(t, version, backend)
				server, behind := surveyDoors(t, s)
				want, got := surveyed(t, behind), surveyed(t, server)
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("the server differs from its store (-store +server):\n%s", d)
				}
				if v := got.survey; v.Runs.N < 5 || len(got.refs) < 1 || v.NewestRun == 0 {
					t.Errorf("the world is poor: %+v", got)
				}
			})
		}
	}
}

type survey struct {
	survey fetch.Survey
	refs   []string
}

// Equal compares all but the version, which a store tells less exactly.
func (s survey) Equal(o survey) bool {
	s.survey.Version, o.survey.Version = "", ""
	return s.survey == o.survey && slices.Equal(s.refs, o.refs)
}

func surveyDoors(t *testing.T, s *mlflowtest.Server) (server, behind fetch.Source) {
	t.Helper()
	c, err := rest.NewClient(rest.Options{TrackingURI: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if s.Database != "" {
		db, err := sqlstore.Open(t.Context(), sqlstore.Options{URI: "sqlite:///" + s.Database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return rest.NewReader(c, nil), db
	}
	folder, err := filestore.Open(t.Context(), filestore.Options{Dir: s.Folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return rest.NewReader(c, nil), folder
}

func surveyed(t *testing.T, s fetch.Source) survey {
	t.Helper()
	return survey{surveyOf(t, s), unregisteredOf(t, s)}
}

func surveyOf(t *testing.T, s fetch.Source) fetch.Survey {
	t.Helper()
	got, err := s.(fetch.Surveyor).Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func unregisteredOf(t *testing.T, s fetch.Source) (refs []string) {
	t.Helper()
	for ref, err := range fetch.Unregistered(t.Context(), s.(fetch.Surveyor), s.ListVersions(t.Context(), fetch.Query{})) {
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref.String())
	}
	slices.Sort(refs)
	return refs
}
