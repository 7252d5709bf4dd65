package rest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// TLSConfig reads the certificate files of options, for what asks the same
// server by a client of its own.
func TLSConfig(o Options) (*tls.Config, error) { return newTLSConfig(o) }

// newTLSConfig follows MLFLOW_TRACKING_INSECURE_TLS, _SERVER_CERT_PATH and
// _CLIENT_CERT_PATH: the first two exclude each other, as in MLflow.
func newTLSConfig(o Options) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureTLS} //nolint:gosec // the user asked for it
	if o.InsecureTLS && o.CAFile != "" {
		return nil, &mlflow.Error{
			Err:  mlflow.Reason(mlflow.ErrInvalid, "insecure TLS and a CA file are both set"),
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
				Err:  mlflow.Reason(mlflow.ErrInvalid, "the client certificate %s: %v", o.ClientCertFile, plainPathError(err)),
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
			return nil, &mlflow.Error{
				Err:  mlflow.Reason(mlflow.ErrInvalid, "the CA file %s: %v", path, plainPathError(err)),
				Hint: "see MLFLOW_TRACKING_SERVER_CERT_PATH and REQUESTS_CA_BUNDLE (`tls: {ca}` of the host in the manifest)",
			}
		}
		found = pool.AppendCertsFromPEM(data) || found
	}
	if !found {
		return nil, &mlflow.Error{Err: mlflow.Reason(mlflow.ErrInvalid, "no certificate in %s", path), Hint: "the CA file must hold PEM certificates"}
	}
	return pool, nil
}

// plainPathError is an error of the system without the path, which the
// sentence around it has.
func plainPathError(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
