package enrich

import (
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Environment is what a model needs to run: the version of Python and the
// requirements, line by line, each with the file that says so. It is nil when
// the files were not asked for.
func Environment(b *mlflow.Bundle) *mlflow.Object {
	files := b.EnvironmentFiles
	if files == nil {
		return nil
	}
	out := &mlflow.Object{}
	conda := yamlMapping(files.Conda)
	if version, from := pythonVersion(b, conda); version != "" {
		out.Append("python_version", version)
		out.Append("python_version_from", from)
	}
	switch {
	case files.Requirements != nil:
		out.Append("requirements_from", "requirements.txt")
		out.Append("requirements", requirements(requirementLines(files.Requirements)))
	case conda != nil:
		packages, pip := condaLines(conda)
		out.Append("requirements_from", "conda.yaml")
		out.Append("requirements", requirements(pip))
		out.Append("conda_packages", condaPackages(packages))
	}
	return out
}

// pythonVersion is the version of Python that the model was saved with, and
// which file says so.
func pythonVersion(b *mlflow.Bundle, conda *mlflow.Object) (version, from string) {
	if v := b.File.Content.Object("flavors").Object("python_function").Text("python_version"); v != "" {
		return v, "MLmodel"
	}
	if v := yamlMapping(b.EnvironmentFiles.PythonEnv).Text("python"); v != "" {
		return v, "python_env.yaml"
	}
	packages, _ := condaLines(conda)
	for _, text := range packages {
		if name, specifier := condaPackage(text); name == "python" && specifier != "" {
			return strings.TrimLeft(specifier, "="), "conda.yaml"
		}
	}
	return "", ""
}

// yamlMapping reads a file; nil when it is not there or no mapping.
func yamlMapping(data []byte) *mlflow.Object {
	v, err := mlflow.DecodeYAML(data)
	if err != nil {
		return nil
	}
	o, _ := v.(*mlflow.Object)
	return o
}

// condaLines are the packages of a conda.yaml and those of its `pip:`.
func condaLines(conda *mlflow.Object) (packages, pip []string) {
	for _, d := range conda.List("dependencies") {
		switch d := d.(type) {
		case string:
			packages = append(packages, d)
		case *mlflow.Object:
			for _, line := range d.List("pip") {
				if text, ok := line.(string); ok {
					pip = append(pip, text)
				}
			}
		}
	}
	return packages, pip
}

func condaPackages(lines []string) []any {
	list := make([]any, len(lines))
	for i, text := range lines {
		name, specifier := condaPackage(text)
		list[i] = mlflow.NewObject(mlflow.Member{Key: "name", Value: name}, mlflow.Member{Key: "specifier", Value: specifier}, mlflow.Member{Key: "text", Value: shownLine(text)})
	}
	return list
}

// condaPackage reads `name`, `name=1.2`, `name>=1`, `channel::name=1=build`.
func condaPackage(text string) (name, specifier string) {
	_, rest, found := strings.Cut(text, "::")
	if !found {
		rest = text
	}
	end := strings.IndexAny(rest, "=<>!~ [")
	if end < 0 {
		return strings.TrimSpace(rest), ""
	}
	return rest[:end], strings.TrimSpace(rest[end:])
}
