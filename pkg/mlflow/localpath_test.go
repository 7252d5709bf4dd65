package mlflow

import "testing"

func TestReadsLocalPathsInEverySpelling(t *testing.T) {
	for uri, want := range map[string]string{
		"/home/a/mlruns":                 "/home/a/mlruns",
		"/tmp/a%20b":                     "/tmp/a b",
		"/tmp/100%":                      "/tmp/100%",
		"/tmp/%zz%4":                     "/tmp/%zz%4",
		"/tmp/%e2%98%83":                 "/tmp/☃",
		"/tmp/a#b?c":                     "/tmp/a#b?c",
		"./mlruns/0":                     "./mlruns/0",
		"mlruns":                         "mlruns",
		`a\b`:                            `a\b`,
		"file:///home/a":                 "/home/a",
		"FILE:///home/a":                 "/home/a",
		"file:/home/a":                   "/home/a",
		"file:mlruns/0":                  "mlruns/0",
		"file:./mlruns/0":                "./mlruns/0",
		"file://localhost/home/a":        "/home/a",
		"file://LocalHost/home/a":        "/home/a",
		"file:////home/a":                "//home/a",
		"file:///home/a%20b?x#y":         "/home/a b",
		"file:///home/a%23b":             "/home/a#b",
		"file:///home/a#b":               "/home/a",
		"file:C:/x/mlruns":               "C:/x/mlruns",
		`file:C:\x\mlruns`:               "C:/x/mlruns",
		"file:/C:/x":                     "C:/x",
		"file:///D:/My Work/proj/mlruns": "D:/My Work/proj/mlruns",
		"file:///D:/My%20Work/proj":      "D:/My Work/proj",
		"file:///D%3A/x":                 "D:/x",
		"file:///D|/x":                   "D:/x",
		"file://D:/x":                    "D:/x",
		`file://D:\x`:                    "D:/x",
		"file://localhost/D:/x":          "D:/x",
		"file://server/share/x":          "//server/share/x",
		`C:\x\mlruns`:                    "C:/x/mlruns",
		"c:/x":                           "c:/x",
		`\\server\share\x`:               "//server/share/x",
	} {
		if got, ok := LocalPath(uri); got != want || !ok {
			t.Errorf("LocalPath(%q) = %q, %v, want %q", uri, got, ok, want)
		}
	}
	for _, uri := range []string{"", "file:", "file:#x", "s3://bucket/x", "mlflow-artifacts:/1/a", "dbfs:/x", "http://h/x", "models:/a/1", "ab:c"} {
		if got, ok := LocalPath(uri); ok {
			t.Errorf("LocalPath(%q) = %q, but that is no local path", uri, got)
		}
	}
}

func TestADriveLetterIsNoScheme(t *testing.T) {
	for uri, want := range map[string]string{
		"C:/x": "", `C:\x`: "", "c:": "", "/a:b": "", "a/b:c": "", "": "", "x": "", "1a:b": "", "mlruns/http://x": "",
		"S3://x": "s3", "mlflow-artifacts:/1": "mlflow-artifacts", "postgresql+psycopg2://h": "postgresql+psycopg2",
	} {
		if got := SchemeOf(uri); got != want {
			t.Errorf("SchemeOf(%q) = %q, want %q", uri, got, want)
		}
	}
}
