//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// sameTrees writes a tree of all that there is through each door, twice.
func (d *doors) sameTrees(t *testing.T, c *mlflowtest.Conformance) {
	schema, err := mlflowtest.NewReportSchema()
	if err != nil {
		t.Fatal(err)
	}
	server, store := filepath.Join(t.TempDir(), "server"), filepath.Join(t.TempDir(), "store")
	through := map[string]string{
		server: d.manifest(t, "tracking: "+strconv.Quote(d.URL)),
		store:  d.manifest(t, "tracking: "+strconv.Quote(d.inManifest())+"\n    artifact-roots: {\"mlflow-artifacts:/\": "+strconv.Quote(d.Artifacts)+"}"),
	}
	for out, manifest := range through {
		runManifest(t, manifest, out, samplesTime)
	}
	want, got := readTree(t, server), readTree(t, store)
	reports := 0
	for name := range want {
		if strings.HasSuffix(name, "/report.json") {
			reports++
			if err := schema.Validate([]byte(want[name])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if reports < len(d.IDs.Versions)+len(d.IDs.Runs)/2 {
		t.Errorf("only %d reports", reports)
	}
	d.same(t, c, sealed(t, want, d.URL), sealed(t, got, mlflow.Redact(d.tracking())))
	for out, manifest := range through {
		d.againChangesNothing(t, manifest, out)
	}
}

// manifest asks for every object in every way. host says where it is.
func (d *doors) manifest(t *testing.T, host string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nhosts:\n  world:\n    %s\n    ui: https://mlflow.example/base\n", host)
	b.WriteString("defaults: {objects: true, artifact-max-level: all, metric-history: all, lineage: true, copy: [evidence, \"*.txt\"]}\nmodels:\n  - select: {models: \"*\", versions: all}\n")
	uris := []string{
		"models:/Sklearn_Wine@champion", "models:/Sklearn_Wine@previous-champion", "models:/café 😀@prüfung", "models:/greeting@live", "models:/Sklearn_Wine@nobody",
		"models:/Sklearn_Wine/Production", "models:/eleven/Production", "models:/eleven/None", "models:/eleven/latest", "models:/diabetes/Production", "models:/empty_model/latest",
		"models:/greeting/2", "models:/eleven/5", "models:/eleven/12", "models:/only deleted/1", "models:/nowhere/1", "models:/nowhere@x", "models:/before renaming/1",
		"models:/m-" + strings.Repeat("0", 32), "runs:/" + strings.Repeat("0", 32) + "/model",
	}
	for _, id := range slices.Sorted(maps.Values(d.IDs.LoggedModels)) {
		uris = append(uris, "models:/"+id)
	}
	for name, id := range d.IDs.Runs {
		if name == "several models" {
			uris = append(uris, "runs:/"+id+"/linear", "runs:/"+id+"/elastic")
		}
		uris = append(uris, "runs:/"+id+"/model")
	}
	slices.Sort(uris)
	for _, uri := range uris {
		fmt.Fprintf(&b, "  - %s\n", strconv.Quote(uri))
	}
	fmt.Fprintf(&b, "  - {uri: %q, name: thinned, metric-history: 3, copy: run/labels.json, environment: true}\n", "models:/Sklearn_Wine/1")
	location := "mlflow-artifacts:/" + d.IDs.Experiments["diabetes"] + "/" + d.IDs.Runs["for CON"] + "/artifacts/model"
	fmt.Fprintf(&b, "  - {uri: %q, name: by its place}\n", location)
	name := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// runManifest writes a tree of the world, in which some entries fail.
func runManifest(t *testing.T, manifest, out, epoch string) {
	t.Helper()
	if _, stderr, code := command(t, filepath.Dir(manifest), map[string]string{"SOURCE_DATE_EPOCH": epoch}, "-q", "run", manifest, "--out", out); code != exitPartial {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
}

// sealed makes the address of the store the same for all: in the files, and in
// what the index says of them.
func sealed(t *testing.T, files map[string]string, uri string) map[string]*mlflow.Object {
	t.Helper()
	out := map[string]*mlflow.Object{}
	for name, data := range files {
		if path.Ext(name) != ".json" || strings.HasSuffix(name, "/MLmodel") {
			out[name] = mlflow.NewObject(mlflow.Member{Key: "bytes", Value: data})
			continue
		}
		v, err := mlflow.DecodeReport([]byte(strings.ReplaceAll(data, uri, "the store")))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name], _ = v.(*mlflow.Object)
	}
	for entry := range out["index.json"].Objects("entries") {
		entry.Delete("inputs") // they hold the store's address
		for f := range entry.Objects("files") {
			data := files[f.Text("path")]
			if got := fmt.Sprintf("%x", sha256.Sum256([]byte(data))); got != f.Text("sha256") || strconv.Itoa(len(data)) != f.Text("bytes") {
				t.Errorf("index.json is wrong about %s", f.Text("path"))
			}
			f.Delete("sha256")
			f.Delete("bytes")
		}
	}
	return out
}

// same wants two trees of equal bytes, but for what mlflowtest.Differences
// permits.
func (d *doors) same(t *testing.T, c *mlflowtest.Conformance, server, store map[string]*mlflow.Object) {
	t.Helper()
	if d := cmp.Diff(slices.Sorted(maps.Keys(server)), slices.Sorted(maps.Keys(store))); d != "" {
		t.Fatalf("the trees have other files (-server +store):\n%s", d)
	}
	for name := range server {
		if name == "models.csv" || bytes.Equal(mlflow.EncodeReport(server[name]), mlflow.EncodeReport(store[name])) {
			continue // the table says what index.json says, whose members are held against each other
		}
		for _, wrong := range c.Documents(d.where, name, server[name], store[name]) {
			t.Error(wrong)
		}
	}
}

func (d *doors) againChangesNothing(t *testing.T, manifest, out string) {
	t.Helper()
	before, times := readTree(t, out), fileTimes(t, out)
	runManifest(t, manifest, out, "1795507200") // a day later
	if d := cmp.Diff(before, readTree(t, out)); d != "" {
		t.Errorf("a second run changed %s:\n%s", out, d)
	}
	if d := cmp.Diff(times, fileTimes(t, out)); d != "" {
		t.Errorf("a second run wrote files of %s again:\n%s", out, d)
	}
}
