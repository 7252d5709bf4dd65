package sink

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/report"
)

// commitRows writes a tree that has these rows.
func commitRows(t *testing.T, dir string, rows ...report.Row) {
	t.Helper()
	tree := openTree(t, Options{Dir: dir})
	for _, r := range rows {
		if err := tree.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.Commit(report.Index{}, Run{Started: clock(), Ended: clock()}); err != nil {
		t.Fatal(err)
	}
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
}

func hostileRow() report.Row {
	signature := true
	return report.Row{
		Entry: 1, Status: report.StatusPartial, URI: "models:/-m/2", Host: "h", Model: "-m", Version: 2, Place: "-m/2",
		Inventory: report.Inventory{
			Aliases: []string{"champion", "live"}, Stage: "\t=1", Owner: "=HYPERLINK(\"http://evil\",\"x\")", Description: "two\nlines, \"quoted\"; é",
			Created: "2026-01-02 03:04:05", Run: "@SUM(A1)", RunUser: "+49 30 1234", GitCommit: " =1+1", Flavor: "\r=2", MLflowVersion: "a\x00\x1bb",
			Signature: &signature, Datasets: []report.Dataset{{Name: "wine", Digest: "ab", Context: "training"}, {Name: "＝cmd"}},
		},
	}
}

func TestTheTableForASpreadsheetHoldsNoFormula(t *testing.T) {
	dir := memory(t)
	commitRows(t, dir, hostileRow(), report.Row{Status: report.StatusFailed, URI: "models:/gone/1", Host: "h"})
	text, ok := strings.CutPrefix(read(t, dir, tableName), "\uFEFF")
	if !ok {
		t.Error("no byte order mark")
	}
	got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		report.TableColumns(),
		{"h", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "failed", "models:/gone/1", ""},
		{"h", "'-m", "2", "champion, live", "'\t=1", "'=HYPERLINK(\"http://evil\",\"x\")", "two\nlines, \"quoted\"; é", "2026-01-02 03:04:05",
			"'@SUM(A1)", "'+49 30 1234", "' =1+1", "'\r=2", "a\uFFFD\uFFFDb", "yes", "training wine ab, ＝cmd", "", "partial", "models:/-m/2", "'-m/2"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTheTableChangesOnlyWithTheRowsAndIsRestored(t *testing.T) {
	dir := memory(t)
	first := report.Row{Status: report.StatusOK, URI: "models:/a/1", Host: "h", Model: "a", Version: 1}
	commitRows(t, dir, hostileRow(), first)
	want, was := read(t, dir, tableName), age(t, dir, tableName)
	commitRows(t, dir, first, hostileRow()) // whatever comes first
	if modTime(t, dir, tableName) != was {
		t.Error("an equal table was written again")
	}
	if err := os.WriteFile(filepath.Join(dir, tableName), []byte("saved by a spreadsheet"), 0o600); err != nil {
		t.Fatal(err)
	}
	commitRows(t, dir, hostileRow(), first)
	if d := cmp.Diff(want, read(t, dir, tableName)); d != "" {
		t.Error(d)
	}
}
