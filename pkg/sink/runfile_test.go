package sink

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/report"
)

func TestRunFileIsWrittenAsDocumented(t *testing.T) {
	r := Run{
		Mlreport: "v1.2.3", Started: clock().In(time.FixedZone("", 3600)), Ended: clock().Add(1234567 * time.Microsecond),
		Entries: map[report.Status]int{report.StatusOK: 3, report.StatusFailed: 1},
		Reports: map[Change]int{New: 1, Unchanged: 2},
		Hosts:   []RunHost{{Name: "prod", Requests: 10, Retries: 2, Bytes: 999}, {Name: "dev", Requests: 1, Error: "http://dev:5000: no answer"}},
		Failed:  []RunFailure{{"models:/A/<1>", "dev", "HTTP 503"}},
	}
	want := `{
  "format": "mlreport-run/1",
  "mlreport": "v1.2.3",
  "started": "2026-11-02T03:04:05Z",
  "ended": "2026-11-02T03:04:06Z",
  "duration": 1.235,
  "interrupted": false,
  "entries": {
    "failed": 1,
    "ok": 3
  },
  "reports": {
    "new": 1,
    "unchanged": 2
  },
  "requests": 11,
  "retries": 2,
  "hosts": {
    "dev": {
      "requests": 1,
      "retries": 0,
      "bytes": 0,
      "error": "http://dev:5000: no answer"
    },
    "prod": {
      "requests": 10,
      "retries": 2,
      "bytes": 999
    }
  },
  "failed": [
    {
      "uri": "models:/A/<1>",
      "host": "dev",
      "error": "HTTP 503"
    }
  ]
}
`
	if d := cmp.Diff(want, string(r.encode())); d != "" {
		t.Error(d)
	}
}
