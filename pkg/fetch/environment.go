package fetch

import (
	"context"
	"errors"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// maxEnvironment is the largest requirements.txt that is read, in bytes.
const maxEnvironment = 1 << 20

const environmentSection = "environment"

// The files beside MLmodel that say what a model needs to run.
const (
	requirementsFile = "requirements.txt"
	condaFile        = "conda.yaml"
	pythonEnvFile    = "python_env.yaml"
)

// readEnvironment reads what an item's model needs to run, with as few
// requests as can be: mostly one. conda.yaml is read where requirements.txt is
// not there, python_env.yaml where MLmodel does not say which Python it was.
func (c *chunk) readEnvironment(ctx context.Context, it *item) error {
	if !it.Environment {
		return nil
	}
	if it.b.File.URI == "" {
		if it.hides("mlflow_model", "logged_model") {
			it.lack(mlflow.NewIssue(environmentSection, mlflow.Unavailable, "what "+it.Ref.String()+" needs to run"), nil)
		}
		return nil
	}
	files := &mlflow.EnvironmentFiles{}
	named := it.b.File.Content.Object("flavors").Object("python_function").Text("python_version") != ""
	for _, f := range []struct {
		name   string
		wanted func() bool
		into   *[]byte
	}{
		{requirementsFile, func() bool { return true }, &files.Requirements},
		{pythonEnvFile, func() bool { return !named }, &files.PythonEnv},
		{condaFile, func() bool { return files.Requirements == nil || !named && files.PythonEnv == nil }, &files.Conda},
	} {
		if !f.wanted() {
			continue
		}
		data, err := c.readBeside(ctx, it, f.name)
		if err != nil {
			return err
		}
		*f.into = data
	}
	if files.Requirements == nil && files.Conda == nil && !it.lacks(environmentSection) {
		it.lack(mlflow.NewIssue(environmentSection, mlflow.ArtifactMissing, nameOf(it.places[0], requirementsFile)).AsNote(), nil)
	}
	it.b.EnvironmentFiles = files
	return nil
}

// readBeside reads one file beside MLmodel; nil when there is none. The error
// is ctx's.
func (c *chunk) readBeside(ctx context.Context, it *item, name string) ([]byte, error) {
	f, err := c.f.Artifacts.ReadFile(ctx, it.places[0], name, maxEnvironment, Stamp{})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, mlflow.ErrNotFound):
		return nil, nil
	case errors.Is(err, mlflow.ErrTooLarge):
		it.lack(mlflow.NewIssue(environmentSection, mlflow.TooLarge, nameOf(it.places[0], name)), err)
		return nil, nil
	case err != nil:
		it.lack(fileIssue(environmentSection, err, it.places[0], name), err)
		return nil, nil
	case f.Data == nil:
		return []byte{}, nil
	}
	return f.Data, nil
}

// environmentFile is the content of a file of the model that has been read for
// what it needs to run, or nil.
func (it *item) environmentFile(name string) []byte {
	files := it.b.EnvironmentFiles
	if files == nil {
		return nil
	}
	switch name {
	case requirementsFile:
		return files.Requirements
	case condaFile:
		return files.Conda
	case pythonEnvFile:
		return files.PythonEnv
	}
	return nil
}
