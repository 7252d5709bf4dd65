package sink

import (
	"bytes"
	"errors"
	"fmt"
	"path"
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
	files   []string   // the copies, below in
	page    []byte     // report.md; nil when there is none
	newPage []byte     // what it is to be
	row     report.Row // of the last index; zero when it has none
}

// enter opens the folder of a place, made when it is not there, and looks at
// what lies in it. Without error the caller closes it.
func (t *Tree) enter(place string) (present, error) {
	above, err := t.parents.get(t.top, path.Join(reportsFolder, path.Dir(place)), true)
	if err != nil {
		return present{}, err
	}
	defer t.parents.giveBack(above)
	in, isNew, err := above.enter(path.Base(place), t.old == nil)
	if err != nil {
		return present{}, err
	}
	p := present{in: in}
	if isNew {
		p.row, err = t.oldRow(place)
	} else {
		p, err = t.presentAt(in, place)
	}
	if err != nil {
		in.close()
	}
	return p, err
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
	if p.files, err = in.listFiles(); err != nil {
		return p, err
	}
	if p.page, err = in.read(pageName); err != nil {
		return p, err
	}
	p.row, err = t.oldRow(place)
	return p, err
}

// oldRow is the row of the last index; zero when it has none.
func (t *Tree) oldRow(place string) (report.Row, error) {
	if t.old == nil {
		return report.Row{}, nil
	}
	row, _, err := t.old.ByPlace(place)
	return row, err
}

func (r Report) sections() ([]string, error) {
	if r.Sections != nil {
		return r.Sections, nil
	}
	names, err := sectionsOf(r.JSON)
	if err != nil {
		return nil, fmt.Errorf("report of %s: %w", r.Place, err)
	}
	return names, nil
}

// sectionsOf lists the sections of a report. In the layout of all our files
// only they begin a line behind two blanks, as text has no line ends in JSON;
// another layout, from whatever hands, is decoded.
func sectionsOf(data []byte) ([]string, error) {
	if !bytes.HasPrefix(data, []byte("{\n  \"")) || !bytes.HasSuffix(data, []byte("\n}\n")) {
		return decodeSections(data)
	}
	var l []string
	for rest := data; ; {
		_, line, found := bytes.Cut(rest, []byte("\n  \""))
		if !found {
			return l, nil
		}
		key, value, _ := bytes.Cut(line, []byte("\""))
		if bytes.IndexByte(key, '\\') >= 0 || !bytes.HasPrefix(value, []byte(": ")) {
			return decodeSections(data)
		}
		if report.IsSection(string(key)) {
			l = append(l, string(key))
		}
		rest = value
	}
}

func decodeSections(data []byte) ([]string, error) {
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
		if name := key.String(); report.IsSection(name) {
			l = append(l, name)
		}
		if err := d.SkipValue(); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return l, err
}

// lost names the sections and copies that a report had, now or when the last
// index was written, and that it has no more though they are asked for.
func (p present) lost(sections []string, r Report) []string {
	lost := slices.DeleteFunc(p.lostBefore(sections), func(s string) bool {
		return slices.Contains(r.Unasked, s) || strings.HasPrefix(s, filesMember+"/")
	})
	return slices.Compact(slices.Sorted(slices.Values(append(lost, p.lostFiles(r)...))))
}

// lostBefore is lost, when what stays is what lies there.
func (p present) lostBefore(sections []string) []string {
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
	old, err := decodeReport(p.json)
	if err != nil { // damaged: nothing that could be kept
		return false
	}
	now, err := decodeReport(r.JSON)
	if err != nil {
		return true
	}
	for section, was := range old.All() {
		is, there := now.Get(section)
		switch {
		case !report.IsSection(section) || slices.Contains(r.Unasked, section):
		case !there && (moment[section] || !final[section]):
			return true // a section without an issue of its own hangs on one that has
		case there && moment[section] && shrank(was, is):
			return true
		}
	}
	return false
}

func decodeReport(data []byte) (*mlflow.Object, error) {
	v, err := mlflow.DecodeReport(data)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*mlflow.Object)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return o, nil
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

// shrank tells whether a section has lost a member, or an item or a member of
// one.
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
		if len(is) < len(was) {
			return true
		}
		for i := range was {
			if shrank(was[i], is[i]) {
				return true
			}
		}
	}
	return false
}
