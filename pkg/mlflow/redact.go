package mlflow

import "strings"

// Redact takes out of a URI what may be secret: the user and password of
// `scheme://user:password@host`, and the query, which may hold a signature.
// The container in `abfss://container@account` stays, and so do paths, which
// have no query in `mlflow-artifacts:` and in MLflow's own schemes.
func Redact(uri string) string {
	scheme := SchemeOf(uri)
	if scheme == "" || scheme == "file" || scheme == "models" || scheme == "runs" {
		return uri
	}
	if IsDatabaseServer(scheme) {
		d, _ := ParseDatabaseURI(uri)
		return d.Shown()
	}
	if scheme != "mlflow-artifacts" {
		uri, _, _ = strings.Cut(uri, "?")
	}
	head, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 || scheme != "http" && scheme != "https" && !strings.Contains(rest[:at], ":") {
		return uri
	}
	return head + "://" + rest[at+1:]
}
