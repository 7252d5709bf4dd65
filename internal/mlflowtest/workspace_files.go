package mlflowtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func (f *FakeWorkspace) file(key string) (string, bool) {
	v, ok := f.world.Object("files").Get(key)
	text, _ := v.(string)
	return text, ok
}

// entries lists what is directly below a folder: names, sizes, whether it is
// a folder.
func (f *FakeWorkspace) entries(root string) (list []mlflow.FileInfo) {
	seen := map[string]bool{}
	for key, v := range f.world.Object("files").All() {
		rest, ok := strings.CutPrefix(key, root+"/")
		name, _, deep := strings.Cut(rest, "/")
		if !ok || seen[name] {
			continue
		}
		seen[name] = true
		info := mlflow.FileInfo{Path: name, Dir: deep}
		if !deep {
			info.Bytes = int64(len(v.(string)))
		}
		list = append(list, info)
	}
	return list
}

// answerFiles is about files and folders.
func (f *FakeWorkspace) answerFiles(r FakeRequest) fakeAnswer {
	p := r.param("path")
	registry := "registry:" + r.param("name") + "/" + r.param("version")
	switch e := r.Method + " " + r.Endpoint; {
	case e == "GET model-versions/list-artifacts":
		return f.listing(r, registry, p)
	case e == "GET model-versions/get-signed-download-uri":
		s := f.sign(path.Join(registry, p))
		return jsonAnswer(members("signed_uri", s, "headers", f.headers()))
	case e == "GET artifacts/list":
		return f.listing(r, "run:"+r.param("run_id"), p)
	case e == "POST artifacts/credentials-for-read":
		p := r.params("path")[0]
		return jsonAnswer(members("credential_infos", []any{members("run_id", r.param("run_id"), "path", p,
			"signed_uri", f.sign(path.Join("run:"+r.param("run_id"), p)), "headers", f.headers(), "type", "AWS_PRESIGNED_URL")}))
	case strings.HasPrefix(r.Path, fakeAPI+"logged-models/"):
		id, call, _ := strings.Cut(strings.TrimPrefix(r.Path, fakeAPI+"logged-models/"), "/")
		if call == "artifacts/directories" {
			return f.listing(r, "logged:"+id, r.param("artifact_directory_path"))
		}
		p := r.params("paths")[0]
		info := members("model_id", id, "path", p, "signed_uri", f.sign(path.Join("logged:"+id, p)), "headers", f.headers(), "type", "AZURE_SAS_URI")
		return jsonAnswer(members("credentials", []any{members("credential_info", info)}))
	case e == "POST fs/create-download-url":
		if f.denied(r.param("path")) {
			return refusal(403, "PERMISSION_DENIED", "User does not have EXECUTE on Function or Model.")
		}
		return jsonAnswer(members("url", f.sign(r.param("path")), "headers", f.headers()))
	case e == "GET dbfs/read":
		return f.readDBFS(r)
	case e == "GET dbfs/list":
		return f.listDBFS(p)
	case strings.HasPrefix(r.Path, "/api/2.0/fs/"):
		return f.platform(r)
	}
	return refusal(404, "ENDPOINT_NOT_FOUND", "No API found for '"+r.Method+" "+r.Path+"'")
}

func (f *FakeWorkspace) headers() []any {
	return []any{members("name", "x-ms-blob-type", "value", "BlockBlob")}
}

// listing is a list of MLflow's artifact calls.
func (f *FakeWorkspace) listing(r FakeRequest, root, dir string) fakeAnswer {
	at := strings.TrimSuffix(root+"/"+dir, "/")
	if text, ok := f.file(at); ok {
		return jsonAnswer(members("files", []any{members("path", dir, "is_dir", false, "file_size", len(text))}))
	}
	var rows []any
	for _, e := range f.entries(at) {
		o := members("path", path.Join(dir, e.Path), "is_dir", e.Dir)
		if !e.Dir {
			o.Append("file_size", mlflow.Number(strconv.FormatInt(e.Bytes, 10)))
		}
		rows = append(rows, o)
	}
	return f.paged(r, "files", rows)
}

func (f *FakeWorkspace) denied(p string) bool {
	return slices.ContainsFunc(f.world.List("denied"), func(v any) bool { return strings.HasPrefix(p, v.(string)) })
}

// platform is the Files API.
func (f *FakeWorkspace) platform(r FakeRequest) fakeAnswer {
	kind, p, _ := strings.Cut(strings.TrimPrefix(r.Path, "/api/2.0/fs/"), "/")
	p = "/" + p
	switch text, ok := f.file(p); {
	case f.denied(p):
		return refusal(403, "PERMISSION_DENIED", "User does not have EXECUTE on Function or Model.")
	case kind == "files" && ok:
		return fakeAnswer{200, "application/octet-stream", []byte(text)}
	case kind == "files":
		return refusal(404, "NOT_FOUND", "The file being accessed is not found.")
	}
	var rows []any
	for _, e := range f.entries(p) {
		o := members("path", path.Join(p, e.Path), "is_directory", e.Dir)
		if !e.Dir {
			o.Append("file_size", mlflow.Number(strconv.FormatInt(e.Bytes, 10)))
		}
		rows = append(rows, o)
	}
	if rows == nil {
		return refusal(404, "NOT_FOUND", "The directory being accessed is not found.")
	}
	return f.paged(r, "contents", rows)
}

func (f *FakeWorkspace) readDBFS(r FakeRequest) fakeAnswer {
	text, ok := f.file("dbfs:" + r.param("path"))
	if !ok {
		return gone("No file or directory exists on path " + r.param("path"))
	}
	from, _ := strconv.Atoi(r.param("offset"))
	length, _ := strconv.Atoi(r.param("length"))
	if length > 1<<20 {
		return refusal(400, "MAX_READ_SIZE_EXCEEDED", "too much")
	}
	from = min(from, len(text))
	part := text[from:min(from+length, len(text))]
	return jsonAnswer(members("bytes_read", len(part), "data", base64.StdEncoding.EncodeToString([]byte(part))))
}

func (f *FakeWorkspace) listDBFS(p string) fakeAnswer {
	var rows []any
	for _, e := range f.entries("dbfs:" + p) {
		rows = append(rows, members("path", path.Join(p, e.Path), "is_dir", e.Dir, "file_size", mlflow.Number(strconv.FormatInt(e.Bytes, 10))))
	}
	if rows == nil {
		return gone("No file or directory exists on path " + p)
	}
	return jsonAnswer(members("files", rows))
}

// sign makes a URL that lets one file be read.
func (f *FakeWorkspace) sign(key string) string {
	f.signs++
	p := fmt.Sprintf("/bucket/%d/%s", f.signs, path.Base(key))
	f.urls[p] = key
	return f.StorageURL + p + "?X-Amz-Signature=made-up-signature&X-Amz-Expires=900"
}

// lend hands out credentials of a version of Unity Catalog.
func (f *FakeWorkspace) lend(name, version string) fakeAnswer {
	root := "/Models/" + strings.ReplaceAll(name, ".", "/") + "/" + version
	if f.denied(root) {
		return refusal(403, "PERMISSION_DENIED", "User does not have EXECUTE on Function or Model '"+name+"'.")
	}
	o := f.opts.Credentials.Clone()
	if f.opts.Credentials == nil {
		o = members("aws_temp_credentials", members("access_key_id", "ASIAMADEUP", "secret_access_key", "made-up-secret", "session_token", "made-up-session"))
	}
	mode := "CUSTOMER_HOSTED"
	if f.opts.DefaultMode {
		mode = "DEFAULT_STORAGE"
	}
	o.Append("expiration_time", mlflow.Number("4102444800000"))
	o.Append("storage_mode", mode)
	return jsonAnswer(members("credentials", o))
}

// serveStorage is the cloud storage behind the workspace. A URL is good for
// nothing but its file, and nobody sends credentials of the workspace here.
func (f *FakeWorkspace) serveStorage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, values := range r.Header {
		if text := strings.Join(values, ","); name == "Authorization" || name == "Cookie" || strings.Contains(text, WorkspaceToken) || strings.Contains(text, workspaceBearer) || strings.HasPrefix(name, "X-Team") {
			f.leaks = append(f.leaks, name)
		}
	}
	key := f.urls[r.URL.Path]
	text, ok := f.file(key)
	f.used[key]++
	const xml = `<?xml version="1.0"?><Error><Code>%s</Code></Error>`
	switch {
	case r.URL.Query().Get("X-Amz-Signature") != "made-up-signature" || r.Header.Get("X-Ms-Blob-Type") != "BlockBlob" || f.opts.Expired && f.used[key] == 1,
		!ok && f.opts.NoListing:
		fakeAnswer{403, "application/xml", fmt.Appendf(nil, xml, "AccessDenied")}.write(w)
	case !ok:
		fakeAnswer{404, "application/xml", fmt.Appendf(nil, xml, "NoSuchKey")}.write(w)
	default:
		fakeAnswer{200, "binary/octet-stream", []byte(text)}.write(w)
	}
}
