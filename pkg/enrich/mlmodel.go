package enrich

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// MLmodel enriches the content of an MLmodel file: its signature is exploded,
// `model_flavor` added, and, when the model's files were listed, `artifacts`
// added and `model_size_bytes` set to their sum. A list that leaves folders out
// says nothing about the size.
func MLmodel(content *mlflow.Object, files *mlflow.FileList, o Options) *mlflow.Object {
	if content == nil {
		return nil
	}
	if o.Compat {
		return compatMLmodel(content, files, o)
	}
	out := explodeSignature(content)
	if f := flavor(content); f != "" {
		out.Set("model_flavor", f)
	}
	if files == nil {
		return out
	}
	tree := newTree(files)
	if tree.complete {
		out.Set("model_size_bytes", tree.size())
	}
	out.Set("artifacts", Files(files, o))
	return out
}

func explodeSignature(content *mlflow.Object) *mlflow.Object {
	out := content.Shallow()
	signature := content.Object("signature")
	if signature == nil {
		return out
	}
	exploded := signature.Shallow()
	for k := range signature.All() {
		explodeMembers(exploded, k)
	}
	out.Set("signature", exploded)
	return out
}

// flavor is the first of the model's flavors that is not the generic one, or
// the only one, or "".
func flavor(content *mlflow.Object) string {
	only := ""
	for name := range content.Object("flavors").All() {
		if name != "python_function" {
			return name
		}
		only = name
	}
	return only
}

// compatMLmodel is the seed tool's way: everything is exploded, no flavor is a
// warning, and a model without run has size -1.
func compatMLmodel(content *mlflow.Object, files *mlflow.FileList, o Options) *mlflow.Object {
	out := explodeAll(content)
	if f := flavor(content); f != "" {
		out.Set("model_flavor", f)
	} else {
		out.Set("flavors", mlflow.NewObject(mlflow.Member{Key: "warning", Value: "No flavors"}))
	}
	if content.Text("run_id") == "" {
		out.Set("model_size_bytes", mlflow.Number("-1"))
		return out
	}
	if files != nil {
		out.Set("model_size_bytes", newTree(files).size())
		out.Set("artifacts", compatFiles(files, o.ArtifactRoot, pathInRun(content)))
	}
	return out
}

// pathInRun is the folder of the model below its run's artifacts, or "" for
// MLflow 3's models, which have a folder of their own.
func pathInRun(content *mlflow.Object) string {
	p := content.Text("artifact_path")
	if strings.Contains(p, ":") || strings.HasPrefix(p, "/") {
		return ""
	}
	return strings.Trim(p, "/")
}

// rawModel enriches the model inside a feature-store model.
func rawModel(m *mlflow.RawModel, o Options) *mlflow.RawModel {
	if m == nil {
		return nil
	}
	out := *m
	switch {
	case m.Content == nil:
	case o.Compat:
		out.Content = explodeAll(m.Content)
	default:
		out.Content = explodeSignature(m.Content)
	}
	if m.FeatureSpec != nil && o.Compat {
		out.FeatureSpec = explodeAll(m.FeatureSpec)
	}
	return &out
}
