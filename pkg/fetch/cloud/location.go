package cloud

import (
	"regexp"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// The kinds of stores.
const (
	amazon = "s3"
	google = "gs"
	azure  = "azure"
)

// A bucket is one container of objects.
type bucket struct {
	kind    string
	name    string
	account string // of Azure
	domain  string // of Azure, such as `core.windows.net`
}

// parse takes a location apart as MLflow's artifact repositories do: the
// bucket, and the key of the folder in it, which is never decoded.
func parse(uri string) (bucket, string, error) {
	scheme := mlflow.SchemeOf(uri)
	authority, key, _ := strings.Cut(strings.TrimPrefix(uri[len(scheme)+1:], "//"), "/")
	key = strings.Trim(key, "/")
	switch scheme {
	case "s3", "s3a":
		// A name that is none could change the host that is asked.
		if !matches(`^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$`, authority) {
			return bucket{}, "", notABucket()
		}
		return bucket{kind: amazon, name: authority}, key, nil
	case "gs":
		if !matches(`^[a-z0-9][a-z0-9._-]{1,221}$`, authority) {
			return bucket{}, "", notABucket()
		}
		return bucket{kind: google, name: authority}, key, nil
	case "wasb", "wasbs", "abfs", "abfss":
		m := regexp.MustCompile(`^([a-z0-9$][a-z0-9-]{0,62})@([a-z0-9]{3,24})\.(?:blob|dfs)\.(core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net))$`).FindStringSubmatch(authority)
		if m == nil {
			return bucket{}, "", &mlflow.Error{
				Err:  mlflow.Reason(mlflow.ErrUnsupported, "it does not begin with the name of a container of Azure Storage"),
				Hint: "locations are read that look like wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
			}
		}
		return bucket{kind: azure, name: m[1], account: m[2], domain: m[3]}, key, nil
	}
	return bucket{}, "", mlflow.Reason(mlflow.ErrUnsupported, "locations of the kind %s: are not served here", scheme)
}

func matches(pattern, s string) bool { return regexp.MustCompile(pattern).MatchString(s) }

func notABucket() error {
	return mlflow.Reason(mlflow.ErrUnsupported, "it does not begin with the name of a bucket")
}
