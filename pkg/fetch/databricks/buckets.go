package databricks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A bucket is a folder of cloud storage that is read with credentials which
// the workspace lent for it. They are sent to the storage services of AWS,
// Azure, Google and Cloudflare only: a location that names another host is
// refused.
type bucket struct {
	w    *Workspace
	host string // address: scheme and host
	root string // path of the folder, without slashes around it
	as   storage
}

// A storage is how one service is asked.
type storage interface {
	file(at string) (path string, headers map[string]string)
	// page asks for the entries directly below a folder, page after page.
	page(dir, token string) (path string, headers map[string]string)
	parse(body []byte, header http.Header, dir string) (entries []mlflow.FileInfo, next string, err error)
}

// bucketOf reads what was lent.
func bucketOf(w *Workspace, location string, lent *mlflow.Object) (folder, error) {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return nil, mlflow.Reason(mlflow.ErrUnsupported, "%s is no location of cloud storage", mlflow.Redact(location))
	}
	b := &bucket{w: w, root: strings.Trim(u.Path, "/")}
	container := u.User.Username()
	switch key := lent.Object("aws_temp_credentials"); {
	case key != nil && (u.Scheme == "s3" || u.Scheme == "s3a") && isBucketName(u.Host):
		b.host = "https://s3.us-east-1.amazonaws.com"
		return &s3Files{bucket: b, name: u.Host, keys: awsKeys(key), regions: &w.regions}, nil
	case lent.Object("r2_temp_credentials") != nil && u.Scheme == "r2" && isBucketName(container) && below(u.Host, "r2.cloudflarestorage.com"):
		b.host = "https://" + u.Host
		return &s3Files{bucket: b, name: container, keys: awsKeys(lent.Object("r2_temp_credentials")), region: "auto"}, nil
	case lent.Object("azure_user_delegation_sas") != nil && strings.HasPrefix(u.Scheme, "abfs") && container != "" && isAzure(u.Host):
		b.host, b.as = "https://"+u.Host, azure{container, strings.TrimPrefix(lent.Object("azure_user_delegation_sas").Text("sas_token"), "?")}
		return b, nil
	case lent.Object("gcp_oauth_token") != nil && u.Scheme == "gs" && isBucketName(u.Host):
		b.host, b.as = "https://storage.googleapis.com", google{u.Host, lent.Object("gcp_oauth_token").Text("oauth_token")}
		return b, nil
	}
	return nil, mlflow.Reason(mlflow.ErrUnsupported, "%s is not where the credentials are for that the workspace lent", mlflow.Redact(location))
}

// isBucketName keeps what data names from being a host or a path of its own.
func isBucketName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == "" && !strings.HasPrefix(s, ".")
}

func below(host, domain string) bool {
	name, ok := strings.CutSuffix(host, "."+domain)
	return ok && isBucketName(name)
}

func isAzure(host string) bool {
	return slices.ContainsFunc([]string{"dfs.core.windows.net", "dfs.core.usgovcloudapi.net", "dfs.core.chinacloudapi.cn"}, func(d string) bool { return below(host, d) })
}

func (b *bucket) get(ctx context.Context, p, what string, headers map[string]string, limit int64) ([]byte, http.Header, error) {
	client, err := b.w.storage.of(b.host)
	if err != nil {
		return nil, nil, err
	}
	return client.Download(ctx, rest.Download{Path: p, Name: what, Headers: headers, Limit: limit})
}

func (b *bucket) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	p, headers := b.as.file(path.Join(b.root, file))
	data, _, err := b.get(ctx, p, "the file "+file, headers, limit)
	return data, err
}

// maxPage is how many bytes of a list are read at once.
const maxPage = 16 << 20

func (b *bucket) entries(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	return b.pages(b.as, path.Join(b.root, dir), func(p string, headers map[string]string) ([]byte, http.Header, error) {
		return b.get(ctx, p, "the list of files", headers, maxPage)
	})
}

// pages reads a list to its end.
func (b *bucket) pages(as storage, dir string, get func(string, map[string]string) ([]byte, http.Header, error)) ([]mlflow.FileInfo, error) {
	var all []mlflow.FileInfo
	seen := map[string]bool{}
	for token := ""; ; {
		body, header, err := get(as.page(dir, token))
		if err != nil {
			return nil, err
		}
		entries, next, err := as.parse(body, header, dir)
		if err != nil || seen[next] {
			return nil, mlflow.Reason(mlflow.ErrUnavailable, "%s gives a list of files that cannot be read", b.host)
		}
		all = append(all, entries...)
		if next == "" {
			return all, nil
		}
		seen[next] = true
		token = next
	}
}

// azure is Data Lake storage: its own REST API, with the shared access
// signature as query.
type azure struct{ container, sas string }

func (a azure) headers() map[string]string { return map[string]string{"x-ms-version": "2021-12-02"} }

func (a azure) file(at string) (string, map[string]string) {
	return "/" + escape(a.container+"/"+at) + "?" + a.sas, a.headers()
}

func (a azure) page(dir, token string) (string, map[string]string) {
	q := query{"resource": "filesystem", "recursive": "false", "directory": dir}
	if token != "" {
		q["continuation"] = token
	}
	return "/" + escape(a.container) + "?" + q.values().Encode() + "&" + a.sas, a.headers()
}

func (a azure) parse(body []byte, header http.Header, _ string) ([]mlflow.FileInfo, string, error) {
	o, err := mlflow.DecodeJSON(body)
	if err != nil {
		return nil, "", err
	}
	var out []mlflow.FileInfo
	for p := range o.Objects("paths") {
		isDir, _ := p.Get("isDirectory")
		info := mlflow.FileInfo{Path: path.Base(p.Text("name")), Dir: isDir == true || isDir == "true"}
		if !info.Dir {
			info.Bytes, _ = strconv.ParseInt(p.Text("contentLength"), 10, 64)
		}
		out = append(out, info)
	}
	return out, header.Get("x-ms-continuation"), nil
}

// google is Cloud Storage's JSON API.
type google struct{ bucket, token string }

func (g google) headers() map[string]string {
	return map[string]string{"Authorization": "Bearer " + g.token}
}

func (g google) file(at string) (string, map[string]string) {
	return "/storage/v1/b/" + url.PathEscape(g.bucket) + "/o/" + url.PathEscape(at) + "?alt=media", g.headers()
}

func (g google) page(dir, token string) (string, map[string]string) {
	q := query{"prefix": dir + "/", "delimiter": "/"}
	if token != "" {
		q["pageToken"] = token
	}
	return "/storage/v1/b/" + url.PathEscape(g.bucket) + "/o?" + q.values().Encode(), g.headers()
}

func (g google) parse(body []byte, _ http.Header, dir string) ([]mlflow.FileInfo, string, error) {
	o, err := mlflow.DecodeJSON(body)
	if err != nil {
		return nil, "", err
	}
	var out []mlflow.FileInfo
	for _, p := range o.List("prefixes") {
		text, _ := p.(string)
		out = append(out, mlflow.FileInfo{Path: path.Base(text), Dir: true})
	}
	for item := range o.Objects("items") {
		if name := strings.TrimPrefix(item.Text("name"), dir+"/"); name != "" {
			size, _ := strconv.ParseInt(item.Text("size"), 10, 64)
			out = append(out, mlflow.FileInfo{Path: name, Bytes: size})
		}
	}
	return out, o.Text("nextPageToken"), nil
}

// regions remembers in which region of AWS buckets are.
type regions struct {
	mu sync.Mutex
	of map[string]string
}

func (r *regions) get(bucket string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if region := r.of[bucket]; region != "" {
		return region
	}
	return "us-east-1"
}

func (r *regions) set(bucket, region string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]string{}
	}
	r.of[bucket] = region
}

// s3Files are read from S3, or from what speaks its language. The bucket's
// region is not known; S3 tells it when it is asked in the wrong one.
type s3Files struct {
	*bucket
	name    string
	keys    aws.Credentials
	region  string // fixed; "" for AWS
	regions *regions
}

func awsKeys(o *mlflow.Object) aws.Credentials {
	return aws.Credentials{AccessKeyID: o.Text("access_key_id"), SecretAccessKey: o.Text("secret_access_key"), SessionToken: o.Text("session_token")}
}

func (s *s3Files) read(ctx context.Context, file string, limit int64) ([]byte, error) {
	data, _, err := s.ask(ctx, "/"+escape(s.name+"/"+path.Join(s.root, file)), "the file "+file, limit)
	return data, err
}

func (s *s3Files) entries(ctx context.Context, dir string) ([]mlflow.FileInfo, error) {
	return s.pages(s3Pages{s.name}, path.Join(s.root, dir), func(p string, _ map[string]string) ([]byte, http.Header, error) {
		return s.ask(ctx, p, "the list of files", maxPage)
	})
}

// ask signs a request for the region that the bucket is thought to be in, and
// once more when S3 names another.
func (s *s3Files) ask(ctx context.Context, p, what string, limit int64) ([]byte, http.Header, error) {
	region := s.region
	if region == "" {
		region = s.regions.get(s.name)
	}
	for try := 0; ; try++ {
		at := *s.bucket
		if s.region == "" {
			at.host = "https://s3." + region + ".amazonaws.com"
		}
		headers, err := s.sign(ctx, at.host+p, region)
		if err != nil {
			return nil, nil, err
		}
		data, header, err := at.get(ctx, p, what, headers, limit)
		other := header.Get("X-Amz-Bucket-Region")
		if err == nil || s.region != "" || try > 0 || other == "" || other == region || !isBucketName(other) {
			return data, header, err
		}
		s.regions.set(s.name, other)
		region = other
	}
}

// sign makes the headers of AWS's signature, version 4.
func (s *s3Files) sign(ctx context.Context, address, region string) (map[string]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	empty := sha256.Sum256(nil)
	hash := hex.EncodeToString(empty[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(ctx, s.keys, req, hash, "s3", region, s.w.client.Now()); err != nil {
		return nil, mlflow.Mark(mlflow.ErrUnavailable, fmt.Errorf("signing a request for S3: %w", err))
	}
	headers := map[string]string{}
	for name := range req.Header {
		headers[name] = req.Header.Get(name)
	}
	return headers, nil
}

// s3Pages are S3's lists, ListObjectsV2.
type s3Pages struct{ bucket string }

func (p s3Pages) file(string) (string, map[string]string) { return "", nil }

func (p s3Pages) page(dir, token string) (string, map[string]string) {
	q := query{"list-type": "2", "prefix": dir + "/", "delimiter": "/"}
	if token != "" {
		q["continuation-token"] = token
	}
	return "/" + escape(p.bucket) + "?" + strings.ReplaceAll(q.values().Encode(), "+", "%20"), nil
}

func (p s3Pages) parse(body []byte, _ http.Header, dir string) ([]mlflow.FileInfo, string, error) {
	var list struct {
		Contents []struct {
			Key  string
			Size int64
		}
		CommonPrefixes        []struct{ Prefix string }
		NextContinuationToken string
	}
	if err := xml.NewDecoder(bytes.NewReader(body)).Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	var out []mlflow.FileInfo
	for _, d := range list.CommonPrefixes {
		out = append(out, mlflow.FileInfo{Path: path.Base(d.Prefix), Dir: true})
	}
	for _, f := range list.Contents {
		if name := strings.TrimPrefix(f.Key, dir+"/"); name != "" {
			out = append(out, mlflow.FileInfo{Path: name, Bytes: f.Size})
		}
	}
	return out, list.NextContinuationToken, nil
}
