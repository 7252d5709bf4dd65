//go:build unix

package mlflowtest

import "testing"

func TestDatabaseServersHoldTheTestWorld(t *testing.T) {
	for _, kind := range []string{"postgresql", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			_, ids := WorldStore(t, MLflow3, kind)
			if len(ids.Skipped) > 0 || len(ids.Versions) < 40 || len(ids.Runs) < 40 {
				t.Errorf("%d versions, %d runs, without %v", len(ids.Versions), len(ids.Runs), ids.Skipped)
			}
		})
	}
}
