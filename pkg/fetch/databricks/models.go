package databricks

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// catalogFiles are the files of a version in Unity Catalog. As MLflow's client,
// it asks the workspace whether its Files API has them; where not, it borrows
// credentials for this version, and what they are says where the files are.
type catalogFiles struct {
	w        *Workspace
	id       mlflow.VersionID
	location string // where the registry says that they are
}

// An answerOnce remembers a yes or no of the workspace.
type answerOnce struct {
	mu    sync.Mutex
	known bool
	yes   bool
}

// usesFilesAPI asks once whether models are read by the Files API.
func (w *Workspace) usesFilesAPI(ctx context.Context) (bool, error) {
	a := &w.sdkFiles
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known {
		return a.yes, nil
	}
	o, err := w.client.Get(ctx, "/api/2.0/mlflow/unity-catalog/registered-models:is-databricks-sdk-models-artifact-repository-enabled", nil)
	if errors.Is(err, mlflow.ErrUnavailable) || ctx.Err() != nil {
		return false, err
	}
	on, _ := o.Get("is_databricks_sdk_models_artifact_repository_enabled")
	a.known, a.yes = true, err == nil && on == true
	return a.yes, nil
}

// folder is how the files are read.
func (f *catalogFiles) folder(ctx context.Context) (folder, error) {
	root := "/Models/" + strings.ReplaceAll(f.id.Model, ".", "/") + "/" + strconv.FormatInt(f.id.Version, 10)
	platform := &platformFiles{w: f.w, root: root}
	yes, err := f.w.usesFilesAPI(ctx)
	if err != nil || yes {
		return platform, err
	}
	return nil, mlflow.Reason(mlflow.ErrUnsupported, "%s", path.Join("x", root))
}

func (f *catalogFiles) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	at, err := f.folder(ctx)
	if err != nil {
		return nil, err
	}
	return at.read(ctx, file, limit)
}

func (f *catalogFiles) entries(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	at, err := f.folder(ctx)
	if err != nil {
		return nil, err
	}
	return at.entries(ctx, dir)
}
