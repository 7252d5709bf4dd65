package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bulkRun writes the sample store as lines and gives the tree.
func bulkRun(t *testing.T, format string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	vars := map[string]string{"SOURCE_DATE_EPOCH": samplesTime}
	if _, stderr, code := command(t, ".", vars, "run", "../../manifests/quickstart.yaml", "--out", dir, "--format", format); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return dir
}

// DuckDB is not ours: it says what others make of the files.
func TestDuckDBReadsTheLines(t *testing.T) {
	python, err := filepath.Abs("../../.cache/duckdb/bin/python")
	if err == nil {
		_, err = os.Stat(python)
	}
	if err != nil {
		missingHere(t, "no environment with DuckDB; make it with: scripts/duckdb-env")
	}
	dir := bulkRun(t, "both")
	const ask = `
import duckdb, json, sys
rows = duckdb.sql(f"""
	SELECT r.manifest.model_uri, r.registered_model.name, i.place, i.sha256 = sha256(l.line)
	FROM read_json('{sys.argv[1]}/bulk/reports-*.jsonl.zst') AS r POSITIONAL JOIN
	     read_csv('{sys.argv[1]}/bulk/reports-*.jsonl.zst', columns={{'line': 'VARCHAR'}}, delim='\\x01', quote='', escape='', header=false) AS l POSITIONAL JOIN
	     read_json('{sys.argv[1]}/bulk/index.jsonl') AS i
""").fetchall()
print(json.dumps(rows))
`
	cmd := exec.Command(python, "-c", ask, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var rows [][4]any
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 15 {
		t.Errorf("%d rows, want 15", len(rows))
	}
	for _, r := range rows {
		if r[0] != fmt.Sprint("models:/", r[2]) || !strings.HasPrefix(fmt.Sprint(r[2]), fmt.Sprint(r[1], "/")) || r[3] != true {
			t.Errorf("URI, model, place and whether the sum is right: %v", r)
		}
	}
}

func missingHere(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n", t.Name(), what)
	t.Skip(what)
}

// show reads the same from lines as from folders.
func TestShowReadsLines(t *testing.T) {
	lines, tree := bulkRun(t, "jsonl"), bulkRun(t, "tree")
	for _, model := range []string{"Sklearn_Wine", "models:/credit_risk_scorecard/3"} {
		want, _, code := command(t, ".", nil, "show", model, "--tree", tree, "--output", "json")
		if code != exitOK {
			t.Fatal(code)
		}
		got, stderr, code := command(t, ".", nil, "show", model, "--tree", lines, "--output", "json")
		if code != exitOK || got != want {
			t.Errorf("%s: exit code %d: %s%.300s", model, code, stderr, got)
		}
	}
}
