//go:build unix

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A database server that dies for good makes exit code 3 without being asked
// to, wherever it dies; when it is back, `retry` completes the tree.
func TestRetryCompletesWhatADatabaseServerLeftThatDied(t *testing.T) {
	if testing.Short() {
		t.Skip("database servers are slow")
	}
	for _, kind := range []string{"postgresql", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d, dir, _ := mlflowtest.DatabaseWorld(t, kind)
			relay, uri := mlflowtest.StartRelay(t, d.URI(""))
			s := newUser(t)
			s.env["STORE"] = uri
			file := s.writes("m.yaml", fmt.Sprintf("version: 1\nhosts:\n  prod: {tracking: \"${env:STORE}\", artifact-roots: {\"mlflow-artifacts:/\": %q}}\n", dir+"/artifacts")+
				"defaults: {host: prod}\nmodels:\n  - select: {models: \"*\", versions: all}\n")
			before := relay.Sent()
			if got := s.types("run", file, "--out", s.path("calm")); got.code != exitOK {
				t.Fatal(got)
			}
			calm, bytes := readTree(t, s.path("calm")), relay.Sent()-before
			times := soak(5, 100)
			for i := range times { // to the last bytes
				after := 1 + int64(i)*(bytes-200)/int64(max(1, times-1))
				relay.DieAfter(after)
				out := s.path(fmt.Sprint("died", after))
				got := s.types("run", file, "--out", out)
				relay.Heal()
				if got.code == exitOK || !strings.Contains(got.err, " cannot be reached: ") && !strings.Contains(got.err, " ended the connection ") {
					t.Errorf("after %d of %d bytes: %+v", after, bytes, got)
				}
				again := s.types("retry", out)
				if again.code != exitOK {
					again = s.types("run", file, "--out", out) // there was nothing to try again
				}
				if again.code != exitOK {
					t.Errorf("after %d bytes: again: %+v", after, again)
				}
				if d := cmp.Diff(calm, readTree(t, out)); d != "" {
					t.Fatalf("after %d of %d bytes, retry makes another tree: %.3000s", after, bytes, d)
				}
			}
		})
	}
}
