//go:build unix

package filestore_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch/filestore"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The differences that a server of a version has from the folder behind it,
// because it misreads it; see the package's documentation.
const (
	stepOfDataset = "a 3.x server reads run metrics with a dataset with step 0, and may take another line for the latest"
	modelInBin    = "a 3.x server looks for the logged models of deleted experiments in the wrong folder"
)

// TestReadsAFolderAsAServerOverItShows compares every object in a folder that
// a real server wrote with that server's answer to `get`. The test world is
// compared elsewhere, at all doors; this is what is awkward in folders.
func TestReadsAFolderAsAServerOverItShows(t *testing.T) {
	for version, misread := range map[string][]string{
		mlflowtest.MLflow2: nil,
		mlflowtest.MLflow3: {stepOfDataset, modelInBin},
	} {
		t.Run(version, func(t *testing.T) {
			server := mlflowtest.StartServer(t, mlflowtest.ServerOptions{Version: version, Backend: "folder"})
			program, err := filepath.Abs("testdata/awkward.py")
			if err != nil {
				t.Fatal(err)
			}
			server.RunPython(t, program)
			store, err := filestore.Open(t.Context(), filestore.Options{Dir: server.Folder})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			c := &comparison{T: t, server: server, store: store, met: map[string]bool{}}
			c.tracking(t.Context())
			c.registry(t.Context())
			if c.objects < 20 {
				t.Errorf("only %d objects were compared", c.objects)
			}
			for _, d := range misread {
				if !c.met[d] {
					t.Errorf("no object showed that %s", d)
				}
				delete(c.met, d)
			}
			for d := range c.met {
				t.Errorf("MLflow %s is not known for it: %s", version, d)
			}
		})
	}
}

type comparison struct {
	*testing.T
	server  *mlflowtest.Server
	store   *filestore.Store
	objects int
	met     map[string]bool
}

// folders lists the folders in a folder of the store.
func (c *comparison) folders(path string) []string {
	entries, err := os.ReadDir(filepath.Join(c.server.Folder, path))
	if err != nil && !os.IsNotExist(err) {
		c.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func (c *comparison) tracking(ctx context.Context) {
	var experiments, runs, models []string
	for _, bin := range []string{"", ".trash"} {
		for _, e := range c.folders(bin) {
			if e == ".trash" || e == "models" {
				continue
			}
			experiments = append(experiments, e)
			models = append(models, c.folders(filepath.Join(bin, e, "models"))...)
			for _, r := range c.folders(filepath.Join(bin, e)) {
				if !slices.Contains([]string{"models", "tags", "datasets", "traces"}, r) {
					runs = append(runs, r)
				}
			}
		}
	}
	es, _ := c.store.Experiments(ctx, experiments)
	for _, id := range experiments {
		c.compare("experiment", id, "experiments/get?experiment_id="+id, es[id].Value.Object, es[id].Err)
	}
	rs, _ := c.store.Runs(ctx, runs, nil)
	for _, id := range runs {
		c.compare("run", id, "runs/get?run_id="+id, rs[id].Value.Object, rs[id].Err)
	}
	ms, _ := c.store.LoggedModels(ctx, models, nil)
	for _, id := range models {
		c.compare("model", id, "logged-models/"+id, ms[id].Value.Object, ms[id].Err)
	}
}

func (c *comparison) registry(ctx context.Context) {
	names := c.folders("models")
	models, _ := c.store.Models(ctx, names)
	for _, name := range names {
		at := "?name=" + url.QueryEscape(name)
		c.compare("registered_model", name, "registered-models/get"+at, models[name].Value.Object, models[name].Err)
		for _, v := range c.folders("models/" + name) {
			number, ok := strings.CutPrefix(v, "version-")
			if !ok {
				continue
			}
			n, _ := strconv.ParseInt(number, 10, 64)
			id := mlflow.VersionID{Model: name, Version: n}
			got, _ := c.store.Versions(ctx, []mlflow.VersionID{id})
			c.compare("model_version", id.String(), "model-versions/get"+at+"&version="+number, got[id].Value.Object, got[id].Err)
			if answer := c.get("model-versions/get-download-uri" + at + "&version=" + number); answer.Text("artifact_uri") != got[id].Value.DownloadURI {
				c.Errorf("%s: the server's download URI is %s, the store's %s", id, answer.Text("artifact_uri"), got[id].Value.DownloadURI)
			}
		}
	}
}

// get asks the server; an error is an answer, too.
func (c *comparison) get(path string) *mlflow.Object {
	resp, err := http.Get(c.server.URL + "/api/2.0/mlflow/" + path)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	o, err := mlflow.DecodeJSON(body)
	if err != nil {
		c.Fatalf("%s: %v in %s", path, err, body)
	}
	return o
}

func (c *comparison) compare(member, name, path string, got *mlflow.Object, err error) {
	c.objects++
	answer := c.get(path)
	want := answer.Object(member)
	switch {
	case want == nil && err == nil && member == "model" && c.inBin(got):
		c.met[modelInBin] = true
	case want == nil && err != nil && answer.Text("error_code") == "RESOURCE_DOES_NOT_EXIST":
	case want == nil || err != nil:
		c.Errorf("%s %s: the server says %s, the store %v", member, name, mlflow.JSON{}.Append(nil, answer), err)
	default:
		if member == "run" {
			want, got = c.withoutDatasetMetrics(want, got)
		}
		if diff := cmp.Diff(canonical(want), canonical(got)); diff != "" {
			c.Errorf("%s %s (-server +store):\n%s", member, name, diff)
		}
	}
}

func (c *comparison) inBin(model *mlflow.Object) bool {
	_, err := os.Stat(filepath.Join(c.server.Folder, ".trash", model.Object("info").Text("experiment_id")))
	return err == nil
}

// withoutDatasetMetrics leaves out the metrics that the store has on a dataset,
// and notes when they differ.
func (c *comparison) withoutDatasetMetrics(server, store *mlflow.Object) (a, b *mlflow.Object) {
	on := map[string]bool{}
	for m := range store.Object("data").Objects("metrics") {
		on[m.Text("key")] = m.Has("dataset_name")
	}
	leave := func(run *mlflow.Object) (*mlflow.Object, string) {
		run = run.Clone()
		var rest, left []any
		for m := range run.Object("data").Objects("metrics") {
			if on[m.Text("key")] {
				left = append(left, m)
			} else {
				rest = append(rest, m)
			}
		}
		if left != nil {
			run.Object("data").Set("metrics", rest)
		}
		return run, canonical(left)
	}
	a, x := leave(server)
	b, y := leave(store)
	if x != y {
		c.met[stepOfDataset] = true
	}
	return a, b
}

// canonical writes a value with all lists in one order: MLflow leaves theirs
// in that of the directory.
func canonical(v any) string { return string(mlflow.EncodeReport(sorted(v))) }

func sorted(v any) any {
	switch v := v.(type) {
	case *mlflow.Object:
		o := mlflow.NewObject()
		for key, member := range v.All() {
			o.Append(key, sorted(member))
		}
		return o
	case []any:
		l := make([]any, len(v))
		for i := range v {
			l[i] = sorted(v[i])
		}
		slices.SortFunc(l, func(a, b any) int {
			return bytes.Compare(mlflow.JSON{}.Append(nil, a), mlflow.JSON{}.Append(nil, b))
		})
		return l
	}
	return v
}
