package sink

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// present is what lies at a place before it is written.
type present struct {
	in      folder
	json    []byte     // report.json; nil when there is none
	same    bool       // json is the Same as what is to be written
	mlmodel []byte     // nil when there is none
	row     report.Row // of the last index; zero when it has none
}

func (t *Tree) presentAt(in folder, place string) (present, error) {
	p := present{in: in}
	var err error
	if p.json, err = in.read(reportName); err != nil {
		return p, err
	}
	if p.mlmodel, err = in.read(modelName); err != nil {
		return p, err
	}
	if t.old != nil {
		p.row, _, err = t.old.ByPlace(place)
	}
	return p, err
}

// sectionsOf lists the sections of a report.
func sectionsOf(data []byte) ([]string, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data)) // a bytes.Buffer is read in place
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, errors.Join(errors.New("not a JSON object"), err)
	}
	var l []string
	for d.PeekKind() == '"' {
		key, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		if name := key.String(); isSection(name) {
			l = append(l, name)
		}
		if err := d.SkipValue(); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return l, err
}

func isSection(member string) bool { return member != "manifest" && member != "issues" }

// lost names the sections that a report had, now or when the last index was
// written, and that it has no more.
func (p present) lost(sections []string) []string {
	had := slices.Concat(p.row.Sections, p.row.Lost)
	if p.json != nil && !p.same {
		if on, err := sectionsOf(p.json); err == nil {
			had = append(had, on...)
		}
	}
	had = slices.DeleteFunc(had, func(s string) bool { return slices.Contains(sections, s) })
	if len(had) == 0 {
		return nil
	}
	slices.Sort(had)
	return slices.Compact(had)
}

// saysMore tells whether what is there must not be replaced by r, because r
// lacks something for a reason of the moment.
func (p present) saysMore(r Report) bool {
	moment, final := reasons(r.Issues)
	if len(moment) == 0 || p.json == nil {
		return false
	}
	if p.mlmodel != nil && r.MLmodel == nil && moment["mlflow_model"] {
		return true
	}
	old, err := mlflow.DecodeJSON(p.json)
	if err != nil { // damaged: nothing that could be kept
		return false
	}
	now, err := mlflow.DecodeJSON(r.JSON)
	if err != nil {
		return true
	}
	for section, was := range old.All() {
		is, there := now.Get(section)
		switch {
		case !isSection(section):
		case !there && (moment[section] || !final[section]):
			return true // a section without an issue of its own hangs on one that has
		case there && moment[section] && shrank(was, is):
			return true
		}
	}
	return false
}

// reasons sorts the sections that have issues into those where it may be
// otherwise next time and those where it will not.
func reasons(issues []mlflow.Issue) (moment, final map[string]bool) {
	moment, final = map[string]bool{}, map[string]bool{}
	for _, i := range issues {
		section, _, _ := strings.Cut(i.Section, ".")
		if i.Code == mlflow.Unavailable || i.Code == mlflow.Denied {
			moment[section] = true
		} else {
			final[section] = true
		}
	}
	return moment, final
}

// goneForGood tells whether the issues say that there is no MLmodel file.
func goneForGood(issues []mlflow.Issue) bool {
	moment, final := reasons(issues)
	return final["mlflow_model"] && !moment["mlflow_model"]
}

// shrank tells whether a section has lost a member or an item.
func shrank(was, is any) bool {
	switch was := was.(type) {
	case *mlflow.Object:
		is, ok := is.(*mlflow.Object)
		for key := range was.All() {
			if !ok || !is.Has(key) {
				return true
			}
		}
	case []any:
		is, _ := is.([]any)
		return len(is) < len(was)
	}
	return false
}
