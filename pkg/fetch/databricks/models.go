package databricks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

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
	platform := &platformFiles{w: f.w, root: "/Models/" + strings.ReplaceAll(f.id.Model, ".", "/") + "/" + strconv.FormatInt(f.id.Version, 10)}
	if yes, err := f.w.usesFilesAPI(ctx); err != nil || yes {
		return platform, err
	}
	lent, err := f.w.lent.get(ctx, f.w, f.id)
	if err != nil {
		return nil, err
	}
	if lent.Text("storage_mode") == "DEFAULT_STORAGE" {
		return &signedFiles{w: f.w, from: platformSigner{platform}}, nil
	}
	return bucketOf(f.w, f.location, lent)
}

// platformSigner hands out signed URLs for files of the Files API.
type platformSigner struct{ *platformFiles }

func (p platformSigner) name(file string) string { return path.Join(p.root, file) }

func (p platformSigner) sign(ctx context.Context, file string) (signed, error) {
	const call = "/api/2.0/fs/create-download-url"
	o, err := p.w.client.Post(ctx, call, mlflow.NewObject(mlflow.Member{Key: "path", Value: path.Join(p.root, file)}))
	if err == nil && o.Text("url") == "" {
		err = p.w.nonsense(call, "has no url")
	}
	return signed{o.Text("url"), headersOf(o)}, absentIfInvalid(err)
}

func (p platformSigner) list(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	return p.entries(ctx, dir)
}

// lent remembers borrowed credentials for as long as they surely hold: the
// files of a version are read one after the other.
type lent struct {
	mu sync.Mutex
	by map[mlflow.VersionID]loan
}

type loan struct {
	credentials *mlflow.Object
	until       time.Time
}

const (
	maxLoan  = 5 * time.Minute
	maxLoans = 1000
)

// get borrows credentials that may read the files of one version.
func (l *lent) get(ctx context.Context, w *Workspace, id mlflow.VersionID) (*mlflow.Object, error) {
	now := w.client.Now()
	l.mu.Lock()
	have, ok := l.by[id]
	l.mu.Unlock()
	if ok && now.Before(have.until) {
		return have.credentials, nil
	}
	body := mlflow.NewObject(
		mlflow.Member{Key: "name", Value: id.Model},
		mlflow.Member{Key: "version", Value: strconv.FormatInt(id.Version, 10)},
		mlflow.Member{Key: "operation", Value: "MODEL_VERSION_OPERATION_READ"},
	)
	o, err := w.client.Post(ctx, ucPath+"model-versions/generate-temporary-credentials", body)
	if err != nil {
		return nil, fmt.Errorf("the files of %s: %w", id, absentIfInvalid(err))
	}
	credentials := o.Object("credentials")
	until := now.Add(maxLoan)
	if ms, err := strconv.ParseInt(credentials.Text("expiration_time"), 10, 64); err == nil && time.UnixMilli(ms).Add(-time.Minute).Before(until) {
		until = time.UnixMilli(ms).Add(-time.Minute)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil || len(l.by) >= maxLoans {
		l.by = map[mlflow.VersionID]loan{}
	}
	l.by[id] = loan{credentials, until}
	return credentials, nil
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
