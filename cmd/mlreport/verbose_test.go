package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

func TestVerboseNamesEachRequest(t *testing.T) {
	fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	out := filepath.Join(t.TempDir(), "out")
	_, stderr, code := command(t, ".", nil, "-v", "run", "--all", fake.URL, "--out", out)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if got, want := strings.Count(stderr, "msg=request"), len(fake.Requests()); got != want || got == 0 {
		t.Errorf("%d requests are named of %d", got, want)
	}
	for _, want := range []string{"method=GET call=registered-models/search status=200 bytes=", "/MLmodel\" status=200 bytes="} {
		if !strings.Contains(stderr, want) {
			t.Errorf("nothing like %q in:\n%s", want, stderr)
		}
	}
	if _, stderr, _ = command(t, ".", nil, "run", "--all", fake.URL, "--out", out); strings.Contains(stderr, "msg=") {
		t.Errorf("without -v: %s", stderr)
	}
}
