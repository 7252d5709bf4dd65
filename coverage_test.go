package mlreport_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every test and script that docs/coverage.md names exists, and no row of the
// older tool's list is missing.
func TestWhatTheCoverageNamesExists(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("docs", "coverage.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOfTheModule(t)
	row := 0
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 6 && regexp.MustCompile(`^ \d+ $`).MatchString(cells[1]) {
			row++
			if strings.TrimSpace(cells[1]) != strconv.Itoa(row) {
				t.Errorf("row %d is %q", row, cells[1])
			}
			if proof := strings.TrimSpace(cells[4]); !strings.Contains(proof, "`Test") && !strings.Contains(cells[3], "left out") {
				t.Errorf("row %d names no test: %q", row, proof)
			}
		}
		for _, named := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(line, -1) {
			if !tests[named[1]] && row > 0 {
				t.Errorf("row %d: there is no %s", row, named[1])
			}
		}
		for _, scripts := range regexp.MustCompile("`TestScripts` \\(([a-z, -]+)\\)").FindAllStringSubmatch(line, -1) {
			for name := range strings.SplitSeq(scripts[1], ", ") {
				if _, err := os.Stat(filepath.Join("cmd", "mlreport", "testdata", "script", name+".txtar")); err != nil {
					t.Errorf("row %d: %v", row, err)
				}
			}
		}
	}
	if row != 39 {
		t.Errorf("%d rows, want 39", row)
	}
}

// testsOfTheModule lists the names of all test functions.
func testsOfTheModule(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	for _, pattern := range []string{"*/*/*_test.go", "*/*/*/*_test.go", "*_test.go", "*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
				tests[string(found[1])] = true
			}
		}
	}
	return tests
}
