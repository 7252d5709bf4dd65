package report

import (
	"errors"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// IndexFormat is the member `format` of an index.json that this package
// writes, and the only one that it reads.
const IndexFormat = "mlreport-index/1"

// ErrIndexFormat says that an index.json is of another format, mostly because
// a newer mlreport wrote it.
var ErrIndexFormat = errors.New("not an index.json of format " + IndexFormat)

// A Status says how an entry of the manifest ended.
type Status string

// The statuses of rows.
const (
	StatusOK      Status = "ok"      // a report without gaps
	StatusPartial Status = "partial" // a report with issues of level `gap`
	StatusFailed  Status = "failed"  // no report: the object could not be resolved or read
	StatusStale   Status = "stale"   // it failed this time; the last good report was kept
	StatusGone    Status = "gone"    // MLflow has the object no more; the last report was kept
	StatusDropped Status = "dropped" // no entry of the manifest comes to the object any more; the last report was kept
)

// An Index is what index.json says beside its rows. It holds facts only:
// nothing of this machine, no time of a batch, so that it is equal when
// nothing changed.
type Index struct {
	Selectors []Selector // in the order of the manifest
	Hosts     []Host     // by name
}

// A Selector is one `select:` of the manifest and what it gave.
type Selector struct {
	Select   string         `json:"select"` // as text, the same as in the rows' URIs
	Host     string         `json:"host"`
	Listed   int64          `json:"listed"`   // registered models, runs or logged models whose names fit
	Models   int64          `json:"models"`   // registered models of which something was selected
	Selected int64          `json:"selected"` // objects
	Written  int64          `json:"written"`  // of them: reports of this batch, whole or with gaps
	Failed   int64          `json:"failed"`   // of them: no report, or the last one kept
	Issues   []mlflow.Issue `json:"issues"`
}

// A Host is one host that the manifest names.
type Host struct {
	Name     string `json:"-"`
	Source   string `json:"source"`   // tracking URI without user info and query
	Registry string `json:"registry"` // "" when it is Source
	Status   string `json:"status"`   // `ok` or `unreachable`
}

// A Row is one object of the tree, or an entry of the manifest that gave none.
type Row struct {
	Entry int `json:"-"` // of the manifest, from 0: decides the order and is not written

	Status    Status         `json:"status"`
	URI       string         `json:"uri"`     // what was resolved, such as `models:/A/7`; as asked when that failed
	URIs      []string       `json:"uris"`    // as asked, of all entries that came to this object
	Host      string         `json:"host"`    // as the manifest calls it
	Model     string         `json:"model"`   // registered model; "" when there is none
	Version   int64          `json:"version"` // of Model; 0 when there is none
	Place     string         `json:"place"`   // folder below model_reports, with slashes; "" without a report
	Inventory                // what its report says of the model; empty without one, but for the owner
	Sections  []string       `json:"sections"` // that the report has, `manifest` and `issues` aside
	Files     []FileRef      `json:"files"`
	Issues    []mlflow.Issue `json:"issues"`
	Lost      []string       `json:"lost"`      // sections that an earlier report had and that are gone for good
	Inputs    string         `json:"inputs"`    // stands for all that the report was made of: 64 lower-case hex digits; "" when that is not known
	LastSeen  string         `json:"last_seen"` // of what this batch did not see: time of the last one that did, as in manifest.timestamp

	Line int64 `json:"-"` // the number of the report's line where reports are lines (see bulk.Writer.Add); not written
}

// A FileRef is one file of the tree.
type FileRef struct {
	Path   string `json:"path"`   // below the tree's root, with slashes
	SHA256 string `json:"sha256"` // 64 lower-case hex digits
	Bytes  int64  `json:"bytes"`
}

// AppendRow writes a row as one line of JSON, without the line's end.
func AppendRow(dst []byte, r Row) []byte {
	return mlflow.JSON{}.Append(dst, r.object())
}

func (r Row) object() *mlflow.Object {
	o := mlflow.NewObject(
		mlflow.Member{Key: "status", Value: string(r.Status)},
		mlflow.Member{Key: "uri", Value: r.URI},
		mlflow.Member{Key: "uris", Value: mlflow.Texts(r.URIs)},
		mlflow.Member{Key: "host", Value: r.Host})
	addText(o, "model", r.Model)
	if r.Version != 0 {
		o.Append("version", mlflow.Integer(r.Version))
	}
	addText(o, "place", r.Place)
	r.addTo(o)
	addTexts(o, "sections", r.Sections)
	if len(r.Files) > 0 {
		o.Append("files", fileObjects(r.Files))
	}
	addIssues(o, r.Issues)
	addTexts(o, "lost", r.Lost)
	addText(o, "inputs", r.Inputs)
	addText(o, "last_seen", r.LastSeen)
	return o
}

func (s Selector) object() *mlflow.Object {
	o := mlflow.NewObject(
		mlflow.Member{Key: "select", Value: s.Select},
		mlflow.Member{Key: "host", Value: s.Host},
		mlflow.Member{Key: "listed", Value: mlflow.Integer(s.Listed)},
		mlflow.Member{Key: "models", Value: mlflow.Integer(s.Models)},
		mlflow.Member{Key: "selected", Value: mlflow.Integer(s.Selected)},
		mlflow.Member{Key: "written", Value: mlflow.Integer(s.Written)},
		mlflow.Member{Key: "failed", Value: mlflow.Integer(s.Failed)})
	addIssues(o, s.Issues)
	return o
}

func (h Host) object() *mlflow.Object {
	o := &mlflow.Object{}
	addText(o, "source", h.Source)
	addText(o, "registry", h.Registry)
	addText(o, "status", h.Status)
	return o
}

func fileObjects(files []FileRef) []any {
	return mlflow.List(files, func(f FileRef) any {
		return mlflow.NewObject(
			mlflow.Member{Key: "path", Value: f.Path},
			mlflow.Member{Key: "sha256", Value: f.SHA256},
			mlflow.Member{Key: "bytes", Value: mlflow.Integer(f.Bytes)})
	})
}

func addIssues(o *mlflow.Object, issues []mlflow.Issue) {
	if len(issues) == 0 {
		return
	}
	o.Append("issues", mlflow.List(issues, func(i mlflow.Issue) any {
		return mlflow.NewObject(
			mlflow.Member{Key: "section", Value: i.Section},
			mlflow.Member{Key: "code", Value: string(i.Code)},
			mlflow.Member{Key: "level", Value: string(i.Level)},
			mlflow.Member{Key: "message", Value: i.Message})
	}))
}

func addText(o *mlflow.Object, key, text string) {
	if text != "" {
		o.Append(key, text)
	}
}

func addTexts(o *mlflow.Object, key string, list []string) {
	if len(list) > 0 {
		o.Append(key, mlflow.Texts(list))
	}
}
