//go:build unix

package mlflowtest

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
)

// machinePath is what only the machine that made the sample store could have
// put there. Its host and user name are looked for by the script that made it.
var machinePath = regexp.MustCompile(`/tmp\b|/root\b|/work\b|/home/|/Users/|/var/|127\.0\.0\.1|\blocalhost\b`)

func sampleStore(t *testing.T) string { return filepath.Join(Root(t), "samples", "store") }

func sampleDB(t *testing.T) *sql.DB {
	t.Helper()
	path := filepath.Join(sampleStore(t), "mlflow.db")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// rows returns what a query answers, one text per row.
func rows(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	r, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	columns, err := r.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for r.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := r.Scan(values...); err != nil {
			t.Fatal(err)
		}
		text := ""
		for i, v := range values {
			if i > 0 {
				text += " | "
			}
			text += fmt.Sprint(*v.(*any))
		}
		all = append(all, text)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSampleStoreNamesNoMachine(t *testing.T) {
	db := sampleDB(t)
	tables := rows(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if len(tables) < 20 {
		t.Fatalf("only %d tables", len(tables))
	}
	for _, table := range tables {
		for _, row := range rows(t, db, `SELECT * FROM "`+table+`"`) {
			if found := machinePath.FindString(row); found != "" {
				t.Errorf("table %s mentions %s: %.200s", table, found, row)
			}
		}
	}
	size := int64(0)
	err := filepath.WalkDir(sampleStore(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		size += int64(len(data))
		if found := machinePath.Find(data); found != nil {
			t.Errorf("%s mentions %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if size < 500_000 || size > 3_000_000 {
		t.Errorf("the sample store has %d bytes, want at most 3 MB", size)
	}
}

// TestSampleStoreShowsWhatItIsFor keeps the promises of samples/README.md.
func TestSampleStoreShowsWhatItIsFor(t *testing.T) {
	db := sampleDB(t)
	got := rows(t, db, `
		SELECT v.name, v.version, v.current_stage,
			CASE WHEN v.source LIKE 'models:/m-%' THEN 'logged model' WHEN v.source LIKE 'models:/%' THEN v.source
				WHEN v.source LIKE 'mlflow-artifacts:/%/artifacts/model' THEN 'below its run' ELSE v.source END,
			coalesce(r.lifecycle_stage, 'no run'),
			(SELECT group_concat(alias) FROM (SELECT alias FROM registered_model_aliases a WHERE a.name = v.name AND a.version = v.version ORDER BY alias))
		FROM model_versions v LEFT JOIN runs r ON r.run_uuid = v.run_id
		ORDER BY v.name, v.version`)
	want := []string{
		"Sklearn_Wine | 1 | Archived | below its run | active | <nil>",
		"Sklearn_Wine | 2 | Production | logged model | active | champion",
		"Sklearn_Wine | 3 | Staging | logged model | active | challenger",
		"adverse_action_letter | 1 | None | dummy-source | no run | <nil>",
		"credit_risk_production | 1 | None | models:/credit_risk_scorecard/2 | active | <nil>",
		"credit_risk_production | 2 | None | models:/credit_risk_scorecard/3 | active | live",
		"credit_risk_scorecard | 1 | None | logged model | deleted | <nil>",
		"credit_risk_scorecard | 2 | Archived | logged model | active | previous",
		"credit_risk_scorecard | 3 | Production | logged model | active | champion",
		"credit_risk_scorecard | 4 | Staging | logged model | active | challenger",
		"fraud_card_payments | 1 | Archived | logged model | active | fallback",
		"fraud_card_payments | 2 | None | logged model | active | <nil>",
		"fraud_card_payments | 3 | Production | logged model | active | champion",
		"fraud_transfers | 1 | None | logged model | active | <nil>",
		"fraud_transfers | 2 | Deleted_Internal | REDACTED-SOURCE-PATH | no run | <nil>",
		"fraud_transfers | 3 | Staging | logged model | active | candidate",
		"income estimate | 1 | None | logged model | active | <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	for query, atLeast := range map[string]int{
		`SELECT key FROM tags WHERE key = 'mlflow.parentRunId'`:                             3,
		`SELECT name FROM datasets`:                                                         10,
		`SELECT run_uuid FROM metrics GROUP BY run_uuid, key HAVING count(*) > 9`:           4,
		`SELECT key FROM latest_metrics WHERE is_nan`:                                       1,
		`SELECT source_id FROM inputs WHERE source_type = 'RUN_INPUT'`:                      1,
		`SELECT key FROM model_version_tags WHERE key = 'approval' AND value LIKE '{"com%'`: 3,
	} {
		if n := len(rows(t, db, query)); n < atLeast {
			t.Errorf("%s: %d rows, want at least %d", query, n, atLeast)
		}
	}
}

// TestSampleStoreLacksOnlyTheFilesOfOneVersion: the quick start shows one gap.
func TestSampleStoreLacksOnlyTheFilesOfOneVersion(t *testing.T) {
	var lacking []string
	for _, row := range rows(t, sampleDB(t), `SELECT storage_location || '|' || name || '/' || version FROM model_versions WHERE storage_location LIKE 'mlflow-artifacts:/%'`) {
		location, version, _ := strings.Cut(row, "|")
		location = strings.TrimPrefix(location, "mlflow-artifacts:/")
		if _, err := os.Stat(filepath.Join(sampleStore(t), "artifacts", filepath.FromSlash(location), "MLmodel")); err != nil {
			lacking = append(lacking, version)
		}
	}
	if diff := cmp.Diff([]string{"fraud_card_payments/2"}, lacking); diff != "" {
		t.Errorf("versions without an MLmodel file (-want +got):\n%s", diff)
	}
}
