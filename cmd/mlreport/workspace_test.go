package main

import (
	"os"
	"strings"
	"testing"
)

func TestAFolderWithoutWorkspacesIsNotReadAsOne(t *testing.T) {
	u := newUser(t)
	if err := os.MkdirAll(u.path("mlruns/0"), 0o750); err != nil {
		t.Fatal(err)
	}
	u.writes("mlruns/0/meta.yaml", "artifact_location: x\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n")
	for _, workspace := range []string{"team-a", "default"} {
		m := u.writes("m.yaml", "version: 1\nhosts: {h: {tracking: ./mlruns, workspace: "+workspace+"}}\nmodels: [{select: {experiments: nowhere}}]\n")
		if got := u.types("run", m, "--out", u.path("out-"+workspace)); got.code != exitPartial || strings.Contains(got.err, "has no workspaces") != (workspace == "team-a") {
			t.Errorf("workspace %s: exit code %d: %s", workspace, got.code, got.err)
		}
	}
}
