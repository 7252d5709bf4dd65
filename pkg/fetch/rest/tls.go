package rest

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// newTLSConfig follows MLFLOW_TRACKING_INSECURE_TLS, _SERVER_CERT_PATH and
// _CLIENT_CERT_PATH: the first two exclude each other, as in MLflow.
func newTLSConfig(o Options) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureTLS} //nolint:gosec // the user asked for it
	if o.InsecureTLS && o.CAFile != "" {
		return nil, &mlflow.Error{
			Err:  fmt.Errorf("insecure TLS and a CA file are both set: %w", mlflow.ErrInvalid),
			Hint: "set only one of MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH (`tls:` `insecure` and `ca` in a manifest)",
		}
	}
	if o.CAFile != "" {
		pool, err := readCAs(o.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if o.ClientCertFile != "" {
		pair, err := tls.LoadX509KeyPair(o.ClientCertFile, o.ClientCertFile)
		if err != nil {
			return nil, &mlflow.Error{
				Err:  fmt.Errorf("the client certificate %s: %w: %w", o.ClientCertFile, err, mlflow.ErrInvalid),
				Hint: "it must be one PEM file with the certificate and its key",
			}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// readCAs reads a PEM bundle, or all of them in a folder.
func readCAs(path string) (*x509.CertPool, error) {
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
			files = nil
		}
	}
	pool, found := x509.NewCertPool(), false
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // named by the user
		if err != nil && file == path {
			return nil, &mlflow.Error{Err: fmt.Errorf("the CA file: %w: %w", err, mlflow.ErrInvalid)}
		}
		found = pool.AppendCertsFromPEM(data) || found
	}
	if !found {
		return nil, &mlflow.Error{Err: fmt.Errorf("no certificate in %s: %w", path, mlflow.ErrInvalid), Hint: "the CA file must hold PEM certificates"}
	}
	return pool, nil
}
