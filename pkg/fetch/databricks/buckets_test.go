package databricks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/fetch"
	"github.com/mlreport/mlreport/pkg/fetch/databricks"
	"github.com/mlreport/mlreport/pkg/fetch/rest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A cloud stands for the storage services of AWS, Azure, Google and
// Cloudflare: each https host that is asked leads to it.
type cloud struct {
	address string
	caFile  string

	mu    sync.Mutex
	hosts []string
	wrong []string // what was sent that should not be
}

const cloudMLmodel = "flavors: {sklearn: {}}\n"

func startCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, DNSNames: []string{
		"s3.us-east-1.amazonaws.com", "s3.eu-central-1.amazonaws.com", "bank.dfs.core.windows.net", "storage.googleapis.com", "account.r2.cloudflarestorage.com", "evil.example",
	}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c.caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(c)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	c.address = s.Listener.Addr().String()
	return c
}

// ServeHTTP knows one folder, `base/model`, with MLmodel and metadata/.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = append(c.hosts, r.Host)
	for _, values := range r.Header {
		if strings.Contains(strings.Join(values, ""), mlflowtest.WorkspaceToken) || r.Header.Get("X-Team") != "" {
			c.wrong = append(c.wrong, "what belongs to the workspace")
		}
	}
	q, signature := r.URL.Query(), r.Header.Get("Authorization")
	answer := func(ok bool, body string) {
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, body)
	}
	switch p := r.URL.Path; {
	case r.Host == "s3.us-east-1.amazonaws.com":
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		w.WriteHeader(http.StatusMovedPermanently)
	case strings.HasPrefix(r.Host, "s3.") || strings.HasSuffix(r.Host, "cloudflarestorage.com"):
		region := "/eu-central-1/s3/"
		if strings.HasSuffix(r.Host, "cloudflarestorage.com") {
			region = "/auto/s3/"
		}
		ok := strings.HasPrefix(signature, "AWS4-HMAC-SHA256 Credential=ASIAMADEUP/") && strings.Contains(signature, region) && r.Header.Get("X-Amz-Security-Token") == "made-up-session"
		switch {
		case p == "/bucket/base/model/MLmodel":
			answer(ok, cloudMLmodel)
		case p == "/bucket" && q.Get("prefix") == "base/model/" && q.Get("continuation-token") == "":
			answer(ok, `<ListBucketResult><Contents><Key>base/model/MLmodel</Key><Size>23</Size></Contents><NextContinuationToken>t+1=</NextContinuationToken></ListBucketResult>`)
		case p == "/bucket" && q.Get("prefix") == "base/model/" && q.Get("continuation-token") == "t+1=":
			answer(ok, `<ListBucketResult><CommonPrefixes><Prefix>base/model/metadata/</Prefix></CommonPrefixes></ListBucketResult>`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	case r.Host == "bank.dfs.core.windows.net":
		ok := q.Get("sig") == "made up" && signature == ""
		switch {
		case p == "/container/base/model/MLmodel":
			answer(ok, cloudMLmodel)
		case p == "/container" && q.Get("directory") == "base/model" && q.Get("continuation") == "":
			w.Header().Set("X-Ms-Continuation", "more==")
			answer(ok, `{"paths": [{"name": "base/model/MLmodel", "contentLength": "23"}]}`)
		case p == "/container" && q.Get("continuation") == "more==":
			answer(ok, `{"paths": [{"name": "base/model/metadata", "isDirectory": "true", "contentLength": "0"}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	case r.Host == "storage.googleapis.com":
		ok := signature == "Bearer made-up-google"
		switch {
		case r.URL.EscapedPath() == "/storage/v1/b/bucket/o/base%2Fmodel%2FMLmodel":
			answer(ok && q.Get("alt") == "media", cloudMLmodel)
		case p == "/storage/v1/b/bucket/o" && q.Get("prefix") == "base/model/":
			answer(ok, `{"items": [{"name": "base/model/MLmodel", "size": "23"}], "prefixes": ["base/model/metadata/"]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

// openAtCloud opens Unity Catalog of a workspace that lends credentials.
func openAtCloud(t *testing.T, c *cloud, lent string) *databricks.Workspace {
	t.Helper()
	credentials, err := mlflow.DecodeJSON([]byte(lent))
	if err != nil {
		t.Fatal(err)
	}
	f := mlflowtest.StartWorkspace(t, mlflowtest.FakeWorkspaceOptions{Credentials: credentials})
	w, err := databricks.Open(databricks.Options{
		Login: databricks.Login{Host: f.URL, Token: mlflowtest.WorkspaceToken}, UnityCatalog: true,
		Server: rest.Options{
			CAFile: c.caFile, Headers: map[string]string{"X-Team": "model-risk"}, Sleep: noSleep, MaxRetries: -1,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasSuffix(address, ":443") {
					address = c.address
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

const (
	lentByAWS    = `{"aws_temp_credentials": {"access_key_id": "ASIAMADEUP", "secret_access_key": "made-up-secret", "session_token": "made-up-session"}}`
	lentByR2     = `{"r2_temp_credentials": {"access_key_id": "ASIAMADEUP", "secret_access_key": "made-up-secret", "session_token": "made-up-session"}}`
	lentByAzure  = `{"azure_user_delegation_sas": {"sas_token": "sv=2021&sig=made%20up"}}`
	lentByGoogle = `{"gcp_oauth_token": {"oauth_token": "made-up-google"}}`
)

func TestReadsCloudStorageWithLentCredentials(t *testing.T) {
	for name, at := range map[string]struct{ lent, location string }{
		"AWS": {lentByAWS, "s3://bucket/base/model"}, "Cloudflare": {lentByR2, "r2://bucket@account.r2.cloudflarestorage.com/base/model/"},
		"Azure": {lentByAzure, "abfss://container@bank.dfs.core.windows.net/base/model"}, "Google": {lentByGoogle, "gs://bucket/base/model"},
	} {
		t.Run(name, func(t *testing.T) {
			c := startCloud(t)
			a := openAtCloud(t, c, at.lent).Artifacts()
			where := versionAt("main.risk.churn", 1)
			where.URI = at.location
			file, err := a.ReadFile(t.Context(), where, "MLmodel", 1<<20, fetch.Stamp{})
			if err != nil || string(file.Data) != cloudMLmodel {
				t.Errorf("%q, %v", file.Data, err)
			}
			if _, err := a.ReadFile(t.Context(), where, "nothing", 1<<20, fetch.Stamp{}); !errors.Is(err, mlflow.ErrNotFound) {
				t.Errorf("a missing file: %v", err)
			}
			var got []mlflow.FileInfo
			for info, err := range a.List(t.Context(), where, "", 1) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, info)
			}
			same(t, []mlflow.FileInfo{{Path: "MLmodel", Bytes: 23}, {Path: "metadata", Dir: true}}, got)
			if len(c.wrong) > 0 {
				t.Error("sent to the cloud: ", c.wrong)
			}
		})
	}
}

// Lent credentials go to the services that they are for, whatever host a
// location names.
func TestSendsLentCredentialsToNoOtherHost(t *testing.T) {
	for _, at := range []struct{ lent, location string }{
		{lentByAWS, "s3://evil.example:443/x"}, {lentByAWS, "https://evil.example/x"}, {lentByAWS, "s3://a@evil.example/../x?y"}, {lentByR2, "r2://bucket@evil.example/x"},
		{lentByR2, "r2://bucket@evil.example#.r2.cloudflarestorage.com/x"}, {lentByAzure, "abfss://container@evil.example/x"}, {lentByAzure, "abfss://c@evil.example/.dfs.core.windows.net"},
		{lentByAzure, "s3://bucket/root"}, {lentByGoogle, "gs:///x"}, {lentByGoogle, "abfss://c@bank.dfs.core.windows.net/x"}, {`{}`, "s3://bucket/root"},
	} {
		c := startCloud(t)
		where := versionAt("main.risk.churn", 1)
		where.URI = at.location
		_, err := openAtCloud(t, c, at.lent).Artifacts().ReadFile(t.Context(), where, "MLmodel", 1<<20, fetch.Stamp{})
		if err == nil || slices.ContainsFunc(c.hosts, func(h string) bool { return strings.Contains(h, "evil") }) {
			t.Errorf("%s: asked %q, %v", at.location, c.hosts, err)
		}
	}
}
