package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A large server is not read by accident.
func TestAServerWithManyModelsIsReadOnlyWhenAskedFor(t *testing.T) {
	m := mlflowtest.FakeModel{Name: "m"}
	for i := range maxUnasked + 1 {
		m.Versions = append(m.Versions, mlflowtest.FakeVersion{Number: i + 1, Source: "s3://bucket/model"})
	}
	f := mlflowtest.StartFake(t, &mlflowtest.FakeWorld{Models: []mlflowtest.FakeModel{m}}, mlflowtest.FakeOptions{})
	out := filepath.Join(t.TempDir(), "out")
	_, stderr, code := command(t, ".", nil, "run", f.URL, "--out", out)
	if code != exitUsage || !strings.Contains(stderr, "has more than 100 models\n") || !strings.Contains(stderr, "hint: --all reports on all of them") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	_, stderr, code = command(t, ".", nil, "run", f.URL, "--all", "--out", out)
	if code != exitOK || !strings.Contains(stderr, "101 reports in ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
