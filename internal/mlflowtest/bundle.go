package mlflowtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// ReadBundle reads a bundle that a test wrote down as parts of a txtar file:
//
//	uri              the resolved model URI
//	run, experiment, model_version, registered_model, logged_model
//	                 JSON as MLflow's API shows it
//	download_uri     of the version
//	run_found_by     such as model_version
//	copied_from      JSON {"model_version", "run", "experiment"}; once per link of the chain
//	MLmodel          the file, in YAML
//	MLmodel at       location of the model's folder; behind a blank, where it was looked for first
//	files            lines of bytes and path, a slash behind folders; the first line is the level listed to
//	raw_model        JSON {"type", "loader_module", "mlflow_model", "feature_spec"}
//	permissions      JSON
//	platform         JSON {"transition_requests", "serving_endpoints", "experiment_permissions", "table_lineage": {table: lineage}}
//	requirements.txt, conda.yaml, python_env.yaml
//	                 files beside MLmodel
//	kept             lines of path, place, bytes, sha256 and why it was left out; - for what is not there
//	history          lines of metric, step, timestamp and value
//	family           JSON {"parent": run, "children": [run, ...]}, when the lineage is asked for
//	issues           lines of section, code, level and message
//
// Parts with other names are the test's own.
func ReadBundle(t testing.TB, a *txtar.Archive) *mlflow.Bundle {
	t.Helper()
	b := &mlflow.Bundle{}
	objects := map[string]**mlflow.Object{
		"run": &b.Run.Object, "experiment": &b.Experiment.Object, "model_version": &b.ModelVersion.Object,
		"registered_model": &b.RegisteredModel.Object, "logged_model": &b.LoggedModel.Object, "permissions": &b.Permissions,
	}
	for _, f := range a.Files {
		if o := objects[f.Name]; o != nil {
			*o = decodePart(t, f)
			continue
		}
		readPart(t, b, f)
	}
	return b
}

func readPart(t testing.TB, b *mlflow.Bundle, f txtar.File) {
	t.Helper()
	text := strings.TrimSpace(string(f.Data))
	switch f.Name {
	case "uri":
		ref, err := mlflow.ParseRef(text)
		if err != nil {
			t.Fatal(err)
		}
		b.URI = ref
	case "download_uri":
		b.DownloadURI = text
	case "run_found_by":
		b.RunFoundBy = text
	case "copied_from":
		o := decodePart(t, f)
		b.CopiedFrom = append(b.CopiedFrom, mlflow.Copied{
			ModelVersion: mlflow.ModelVersion{Object: o.Object("model_version")}, Run: mlflow.Run{Object: o.Object("run")},
			Experiment: mlflow.Experiment{Object: o.Object("experiment")}})
	case "MLmodel":
		v, err := mlflow.DecodeYAML(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		b.File.Data = f.Data
		b.File.Content, _ = v.(*mlflow.Object)
	case "MLmodel at":
		b.File.URI, b.File.RelocatedFrom, _ = strings.Cut(text, " ")
	case "files":
		b.Files = readFileList(text)
	case "raw_model":
		o := decodePart(t, f)
		b.RawModel = &mlflow.RawModel{Type: o.Text("type"), LoaderModule: o.Text("loader_module"),
			Content: o.Object("mlflow_model"), FeatureSpec: o.Object("feature_spec")}
	case "requirements.txt", "conda.yaml", "python_env.yaml":
		if b.EnvironmentFiles == nil {
			b.EnvironmentFiles = &mlflow.EnvironmentFiles{}
		}
		e := b.EnvironmentFiles
		*map[string]*[]byte{"requirements.txt": &e.Requirements, "conda.yaml": &e.Conda, "python_env.yaml": &e.PythonEnv}[f.Name] = f.Data
	case "kept":
		b.KeptFiles = readKeptFiles(text)
	case "platform":
		readPlatform(b, decodePart(t, f))
	case "history":
		b.MetricHistory = readHistory(t, text)
	case "family":
		o := decodePart(t, f)
		b.Family = &mlflow.Family{Parent: mlflow.Run{Object: o.Object("parent")}}
		for child := range o.Objects("children") {
			b.Family.Children = append(b.Family.Children, mlflow.Run{Object: child})
		}
	case "issues":
		for line := range strings.Lines(text) {
			i := strings.SplitN(strings.TrimSpace(line), " ", 4)
			b.AddIssue(mlflow.Issue{Section: i[0], Code: mlflow.Code(i[1]), Level: mlflow.Level(i[2]), Message: i[3]})
		}
	}
}

func readPlatform(b *mlflow.Bundle, o *mlflow.Object) {
	b.TransitionRequests, b.ServingEndpoints = o.List("transition_requests"), o.List("serving_endpoints")
	b.ExperimentPermissions = o.Object("experiment_permissions")
	for table, v := range o.Object("table_lineage").All() {
		lineage, _ := v.(*mlflow.Object)
		b.TableLineage = append(b.TableLineage, mlflow.TableLineage{Table: table, Lineage: lineage})
	}
}

func readKeptFiles(text string) []mlflow.KeptFile {
	var list []mlflow.KeptFile
	for line := range strings.Lines(text) {
		parts := append(strings.Fields(line), "-")
		for i := range parts {
			parts[i] = strings.TrimPrefix(parts[i], "-")
		}
		k := mlflow.KeptFile{Path: parts[0], Place: parts[1], SHA256: parts[3], LeftOut: mlflow.LeftOut(parts[4])}
		fmt.Sscan(parts[2], &k.Bytes)
		list = append(list, k)
	}
	return list
}

func readHistory(t testing.TB, text string) mlflow.History {
	t.Helper()
	h := mlflow.History{}
	for line := range strings.Lines(text) {
		var key string
		var p mlflow.Point
		if _, err := fmt.Sscan(line, &key, &p.Step, &p.Timestamp, &p.Value); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		h[key] = append(h[key], p)
	}
	return h
}

func decodePart(t testing.TB, f txtar.File) *mlflow.Object {
	t.Helper()
	o, err := mlflow.DecodeJSON(f.Data)
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return o
}

func readFileList(text string) *mlflow.FileList {
	l := &mlflow.FileList{}
	level, rest, _ := strings.Cut(text, "\n")
	fmt.Sscan(level, &l.MaxLevel)
	for line := range strings.Lines(rest) {
		var f mlflow.FileInfo
		size, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		fmt.Sscan(size, &f.Bytes)
		f.Path = strings.TrimSuffix(path, "/")
		f.Dir = f.Path != path
		l.Files = append(l.Files, f)
	}
	return l
}
