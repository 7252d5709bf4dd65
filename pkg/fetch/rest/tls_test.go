package rest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

func newTLSServer(t *testing.T, auth tls.ClientAuthType) (s *httptest.Server, pair []byte) {
	t.Helper()
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"ok":1}`) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{ClientAuth: auth}
	s.StartTLS()
	t.Cleanup(s.Close)
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return s, b.Bytes()
}

func writeFile(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTLSAsSet(t *testing.T) {
	open, ca := newTLSServer(t, tls.NoClientCert)
	strict, _ := newTLSServer(t, tls.RequireAnyClientCert)
	caFile := writeFile(t, ca)
	const caHint = "name the CA's certificate with MLFLOW_TRACKING_SERVER_CERT_PATH (`tls: {ca}` of the host in the manifest)"
	const clientHint = "does it want a client certificate? name it with MLFLOW_TRACKING_CLIENT_CERT_PATH (`tls: {client-cert}` of the host in the manifest)"
	for _, test := range []struct {
		name  string
		o     Options
		want  string // part of the message
		hint  string
		tries int64
	}{
		{name: "an unknown certificate is refused", o: Options{TrackingURI: open.URL},
			want: "(no credentials) cannot be trusted: tls: failed to verify certificate: x509: certificate signed by unknown authority", hint: caHint},
		{name: "insecure takes any", o: Options{TrackingURI: open.URL, InsecureTLS: true}},
		{name: "the CA file counts", o: Options{TrackingURI: open.URL, CAFile: caFile}},
		{name: "so does a folder of them", o: Options{TrackingURI: open.URL, CAFile: filepath.Dir(caFile)}},
		{name: "a client certificate is missing", o: Options{TrackingURI: strict.URL, CAFile: caFile}, want: "refused the TLS connection: remote error: tls: certificate required", hint: clientHint},
		{name: "a client certificate is sent", o: Options{TrackingURI: strict.URL, CAFile: caFile, ClientCertFile: caFile}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := NewClient(test.o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Get(t.Context(), "x", nil)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, mlflow.ErrUnavailable) || !strings.Contains(err.Error(), test.want) || mlflow.Hint(err) != test.hint || c.Stats().Requests != 1 {
				t.Errorf("%d requests: %v\nhint: %s", c.Stats().Requests, err, mlflow.Hint(err))
			}
		})
	}
}

func TestHTTPSToAServerThatSpeaksHTTP(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	c, err := NewClient(Options{TrackingURI: strings.Replace(s.URL, "http:", "https:", 1), Sleep: noWait})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Get(t.Context(), "x", nil)
	if !errors.Is(err, mlflow.ErrUnavailable) || !strings.HasSuffix(err.Error(), "(no credentials) does not speak TLS") || mlflow.Hint(err) != "write http:// instead of https://" {
		t.Error(err, mlflow.Hint(err))
	}
}

func TestTLSFilesAreCheckedAtOnce(t *testing.T) {
	_, ca := newTLSServer(t, tls.NoClientCert)
	good, text := writeFile(t, ca), writeFile(t, []byte("no certificate"))
	for _, test := range []struct {
		o    Options
		want string
		hint string
	}{
		{Options{InsecureTLS: true, CAFile: good}, "insecure TLS and a CA file are both set",
			"set only one of MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH (`tls:` `insecure` and `ca` in a manifest)"},
		{Options{CAFile: "/no/such.pem"}, "the CA file /no/such.pem: no such file or directory",
			"see MLFLOW_TRACKING_SERVER_CERT_PATH and REQUESTS_CA_BUNDLE (`tls: {ca}` of the host in the manifest)"},
		{Options{CAFile: text}, "no certificate in " + text, "the CA file must hold PEM certificates"},
		{Options{ClientCertFile: text}, "the client certificate " + text + ": tls: failed to find any PEM data in certificate input",
			"it must be one PEM file with the certificate and its key"},
	} {
		test.o.TrackingURI = "https://mlflow.corp"
		_, err := NewClient(test.o)
		if err == nil || err.Error() != test.want || mlflow.Hint(err) != test.hint || !errors.Is(err, mlflow.ErrInvalid) {
			t.Errorf("got  %v (%s)\nwant %s", err, mlflow.Hint(err), test.want)
		}
	}
}
