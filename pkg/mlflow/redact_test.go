package mlflow

import "testing"

func TestRedactsWhatMayBeSecretInAURI(t *testing.T) {
	for uri, want := range map[string]string{
		"https://me:secret@host:5000/mlflow?token=secret":      "https://host:5000/mlflow",
		"https://secret@host":                                  "https://host",
		"postgresql+psycopg2://u:p@ss@host/db?sslpassword=x":   "postgresql+psycopg2://host/db",
		"s3://key:secret@bucket/a@b":                           "s3://bucket/a@b",
		"wasbs://container@acct.blob.core.windows.net/k?sig=x": "wasbs://container@acct.blob.core.windows.net/k",
		"mlflow-artifacts:/1/a@b:c":                            "mlflow-artifacts:/1/a@b:c",
		"mlflow-artifacts:/1/what?/model":                      "mlflow-artifacts:/1/what?/model",
		"mlflow-artifacts://me:secret@host/1/x?":               "mlflow-artifacts://host/1/x?",
		"sqlite:///x.db?mode=ro":                               "sqlite:///x.db",
		"models://profile@databricks/a?b/1":                    "models://profile@databricks/a?b/1",
		"/home/a:b@c/x?y":                                      "/home/a:b@c/x?y",
		`C:\x\a?b`:                                             `C:\x\a?b`,
		"file:///x?y":                                          "file:///x?y",
		"":                                                     "",
	} {
		if got := Redact(uri); got != want {
			t.Errorf("Redact(%q) = %q, want %q", uri, got, want)
		}
	}
}
