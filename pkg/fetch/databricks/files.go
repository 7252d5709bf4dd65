package databricks

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// rows streams the rows of a search.
func (w *Workspace) rows(ctx context.Context, call string, q query, member string) iter.Seq2[*mlflow.Object, error] {
	return rest.NewReader(w.client, nil).Rows(ctx, call, q.values(), member)
}

// escape encodes each segment of a path.
func escape(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// platformFiles are read by the Files API (`/api/2.0/fs`): volumes of Unity
// Catalog, and the files of its models.
type platformFiles struct {
	w    *Workspace
	root string // begins with a slash
}

func (f *platformFiles) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	at := path.Join(f.root, file)
	data, _, err := f.w.client.Download(ctx, rest.Download{Path: "/api/2.0/fs/files" + escape(at), Name: "the file " + at, Limit: limit})
	return data, absentIfInvalid(err)
}

func (f *platformFiles) entries(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	var out []mlflow.FileInfo
	for o, err := range f.w.rows(ctx, "/api/2.0/fs/directories"+escape(path.Join(f.root, dir)), nil, "contents") {
		if err != nil {
			return nil, absentIfInvalid(err)
		}
		isDir, _ := o.Get("is_directory")
		info := mlflow.FileInfo{Path: path.Base(o.Text("path")), Dir: isDir == true}
		if !info.Dir {
			info.Bytes, _ = strconv.ParseInt(o.Text("file_size"), 10, 64)
		}
		out = append(out, info)
	}
	return out, nil
}

// dbfsFiles are read by the DBFS API.
type dbfsFiles struct {
	w    *Workspace
	root string // begins with a slash
}

// dbfsBlock is how many bytes one call gives: no more are allowed.
const dbfsBlock = 1 << 20

func (f *dbfsFiles) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	at := path.Join(f.root, file)
	var data []byte
	for {
		q := query{"path": at, "offset": strconv.Itoa(len(data)), "length": strconv.Itoa(dbfsBlock)}
		o, err := f.w.client.Get(ctx, "/api/2.0/dbfs/read", q.values())
		if err != nil {
			return nil, fmt.Errorf("the file dbfs:%s: %w", at, absentIfInvalid(err))
		}
		block, err := base64.StdEncoding.DecodeString(o.Text("data"))
		if err != nil {
			return nil, f.w.nonsense("/api/2.0/dbfs/read", "is not base64")
		}
		data = append(data, block...)
		switch {
		case int64(len(data)) > limit:
			return nil, fmt.Errorf("the file dbfs:%s has more than %d bytes: %w", at, limit, mlflow.ErrTooLarge)
		case len(block) < dbfsBlock:
			return data, nil
		}
	}
}

func (f *dbfsFiles) entries(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	at := path.Join(f.root, dir)
	o, err := f.w.client.Get(ctx, "/api/2.0/dbfs/list", query{"path": at}.values())
	if err != nil {
		return nil, fmt.Errorf("the folder dbfs:%s: %w", at, absentIfInvalid(err))
	}
	var out []mlflow.FileInfo
	for e := range o.Objects("files") {
		isDir, _ := e.Get("is_dir")
		info := mlflow.FileInfo{Path: path.Base(e.Text("path")), Dir: isDir == true}
		if e.Text("path") == at && !info.Dir {
			return nil, nil // a file in place of a folder is listed as itself
		}
		if !info.Dir {
			info.Bytes, _ = strconv.ParseInt(e.Text("file_size"), 10, 64)
		}
		out = append(out, info)
	}
	return out, nil
}
