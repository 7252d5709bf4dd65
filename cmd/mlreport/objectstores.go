package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/mlreport/mlreport/pkg/fetch/artifact"
	"github.com/mlreport/mlreport/pkg/fetch/cloud"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// objectStores reads artifacts of object stores, with the variables that
// MLflow's own client reads. The SDKs find credentials themselves.
func (s *session) objectStores() *cloud.Artifacts {
	return cloud.New(cloud.Options{
		S3: cloud.S3{
			Endpoint:  s.get("MLFLOW_S3_ENDPOINT_URL"),
			PathStyle: s.get("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE") == "path" || s.get("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE") != "virtual" && s.get("MLFLOW_S3_ENDPOINT_URL") != "",
			Unsigned:  strings.EqualFold(s.get("MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION"), "unsigned"),
			IgnoreTLS: s.isSet("MLFLOW_S3_IGNORE_TLS"),
		},
		Google: cloud.Google{Endpoint: s.get("STORAGE_EMULATOR_HOST")},
		Azure:  cloud.Azure{ConnectionString: s.get("AZURE_STORAGE_CONNECTION_STRING"), AccessKey: s.get("AZURE_STORAGE_ACCESS_KEY")},
	})
}

// followed tells whether locations of an object store are followed without a
// line in artifact-roots: where the user is logged in to its vendor. Otherwise
// a location that only the data names would make a machine look for
// credentials all over the network.
func (s *session) followed(scheme string) bool {
	var variables []string
	var file []string
	switch scheme {
	case "s3", "s3a":
		variables = []string{
			"MLFLOW_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE",
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION",
		}
		file = []string{".aws", "credentials"}
	case "gs":
		variables = []string{"GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"}
		file = []string{".config", "gcloud", "application_default_credentials.json"}
	default:
		variables = []string{"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCESS_KEY", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"}
		file = []string{".azure", "azureProfile.json"}
	}
	for _, name := range variables {
		if s.get(name) != "" {
			return true
		}
	}
	if s.Home == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(append([]string{s.Home}, file...)...))
	return err == nil
}

// givenFolder is a model folder that the user names, on this machine or in an
// object store: it may be read wherever it is.
func givenFolder(ref mlflow.Ref, dir string) (artifact.Root, bool) {
	switch path, local := mlflow.LocalPath(ref.Location); {
	case ref.Kind != mlflow.LocationRef:
		return artifact.Root{}, false
	case mlflow.IsObjectStore(mlflow.SchemeOf(ref.Location)):
		return artifact.Root{Prefix: ref.Location, Bucket: ref.Location}, true
	case !local:
		return artifact.Root{}, false
	case filepath.IsAbs(path):
		return artifact.Root{Prefix: ref.Location, Path: path}, true
	default:
		return artifact.Root{Prefix: ref.Location, Path: filepath.Join(dir, path)}, true
	}
}

// rootOf is one line of artifact-roots.
func rootOf(prefix, to string) artifact.Root {
	if mlflow.IsObjectStore(mlflow.SchemeOf(to)) {
		return artifact.Root{Prefix: prefix, Bucket: to}
	}
	return artifact.Root{Prefix: prefix, Path: to}
}
