package mlflowtest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// A versionRow is a version with its model.
type versionRow struct {
	m *FakeModel
	v *FakeVersion
}

func (f *Fake) searchModels(r FakeRequest) fakeAnswer {
	rules := map[string]rule{"name": f.nameRule()}
	keep, err := f.filterFor(r.param("filter"), rules, func(row any, _ string) string { return row.(*FakeModel).Name })
	if err != nil {
		return f.invalid(err)
	}
	var rows []*FakeModel
	for i := range f.world.Models {
		if m := &f.world.Models[i]; !m.Prompt && !m.Forbidden && keep(m) {
			rows = append(rows, m)
		}
	}
	slices.SortFunc(rows, func(a, b *FakeModel) int { return strings.Compare(a.Name, b.Name) })
	return page(f, r, rows, pageRule{key: "registered_models", most: 1000, without: 100}, func(m *FakeModel) *mlflow.Object { return f.modelObject(m, true) })
}

func (f *Fake) nameRule() rule {
	return rule{text: true, list: f.does.namesIn && !f.does.ignoresLists, passed: f.does.namesIgnored || f.does.ignoresLists}
}

func (f *Fake) searchVersions(r FakeRequest) fakeAnswer {
	rules := map[string]rule{"name": f.nameRule(), "run_id": {text: true, list: true}}
	if f.does.versionPages {
		rules["version_number"] = rule{number: true}
	}
	keep, err := f.filterFor(r.param("filter"), rules, func(row any, field string) string {
		v := row.(versionRow)
		return map[string]string{"name": v.m.Name, "run_id": v.v.RunID, "version_number": fmt.Sprint(v.v.Number)}[field]
	})
	if err != nil {
		return f.invalid(err)
	}
	var rows []versionRow
	for i := range f.world.Models {
		m := &f.world.Models[i]
		for j := range m.Versions {
			if row := (versionRow{m, &m.Versions[j]}); !row.v.Deleted && !m.Prompt && !m.Forbidden && keep(row) {
				rows = append(rows, row)
			}
		}
	}
	slices.Reverse(rows) // the last changed first, unless another order is asked for
	rule := pageRule{key: "model_versions", most: 200000, without: 200000}
	if rule.none = !f.does.versionPages; !rule.none && slices.Equal(r.params("order_by"), []string{"name", "version_number"}) {
		slices.SortFunc(rows, func(a, b versionRow) int {
			return cmp.Or(strings.Compare(a.m.Name, b.m.Name), cmp.Compare(a.v.Number, b.v.Number))
		})
	}
	return page(f, r, rows, rule, func(v versionRow) *mlflow.Object { return f.versionObject(v.m, v.v, false) })
}

func (f *Fake) searchRuns(r FakeRequest) fakeAnswer {
	rules := map[string]rule{"run_id": {text: true, list: f.does.runsIn && !f.does.ignoresLists, passed: f.does.ignoresLists}}
	const parent = "tags." + mlflow.ParentTag
	rules[parent] = rule{text: true}
	keep, err := f.filterFor(r.param("filter"), rules, func(row any, field string) string {
		if field == parent {
			return row.(*FakeRun).Tags[mlflow.ParentTag]
		}
		return row.(*FakeRun).ID
	})
	if err != nil {
		return f.invalid(err)
	}
	view, experiments := r.param("run_view_type"), r.params("experiment_ids")
	for _, id := range experiments {
		if strings.Trim(id, "0123456789") != "" && f.does.badExperiment != 404 {
			return f.badExperiment(id)
		}
	}
	var rows []*FakeRun
	for i := range f.world.Runs {
		run := &f.world.Runs[i]
		shown := view == "ALL" || run.Deleted == (view == "DELETED_ONLY")
		if shown && slices.Contains(experiments, run.Experiment) && keep(run) {
			rows = append(rows, run)
		}
	}
	slices.Reverse(rows) // the newest first
	rule := pageRule{key: "runs", most: 50000, without: 1000, fullToken: f.does.fullPageToken}
	return page(f, r, rows, rule, func(run *FakeRun) *mlflow.Object { return f.runObject(run, true) })
}

func (f *Fake) searchExperiments(r FakeRequest) fakeAnswer {
	rules := map[string]rule{"name": {text: true}}
	if f.does.namesIn || f.does.ignoresLists {
		rules["experiment_id"] = rule{text: true, list: !f.does.ignoresLists, passed: f.does.ignoresLists}
	}
	keep, err := f.filterFor(r.param("filter"), rules, func(row any, field string) string {
		e := row.(*FakeExperiment)
		return map[string]string{"name": e.Name, "experiment_id": e.ID}[field]
	})
	if err != nil {
		return f.invalid(err)
	}
	view := r.param("view_type")
	var rows []*FakeExperiment
	for i := range f.world.Experiments {
		e := &f.world.Experiments[i]
		if (view == "ALL" || e.Deleted == (view == "DELETED_ONLY")) && keep(e) {
			rows = append(rows, e)
		}
	}
	slices.Reverse(rows)
	return page(f, r, rows, pageRule{key: "experiments", most: 50000}, f.experimentObject)
}

func (f *Fake) searchLogged(r FakeRequest) fakeAnswer {
	rules := map[string]rule{"model_id": {text: true, list: !f.does.ignoresLists, passed: f.does.ignoresLists}}
	keep, err := f.filterFor(r.param("filter"), rules, func(row any, _ string) string { return row.(*FakeLoggedModel).ID })
	if err != nil {
		return f.invalid(err)
	}
	var rows []*FakeLoggedModel
	for i := range f.world.LoggedModels {
		l := &f.world.LoggedModels[i]
		if !l.Deleted && slices.Contains(r.params("experiment_ids"), l.Experiment) && keep(l) {
			rows = append(rows, l)
		}
	}
	return page(f, r, rows, pageRule{key: "models", most: 100000, without: 50}, f.loggedObject)
}

// A pageRule says how a search gives its rows.
type pageRule struct {
	key       string
	most      int  // rows that may be asked for
	without   int  // rows when nothing is asked for; 0: that is refused
	none      bool // all rows at once, whatever is asked for
	fullToken bool // a full last page has a token, too
}

// page shows a part of the rows, and the token of the next part.
func page[R any](f *Fake, r FakeRequest, rows []R, rule pageRule, show func(R) *mlflow.Object) fakeAnswer {
	size, offset := rule.without, 0
	if text := r.param("max_results"); text != "" {
		size, _ = strconv.Atoi(text)
	}
	if size < 1 || size > rule.most {
		return f.invalid(fmt.Errorf("Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", size))
	}
	if token := r.param("page_token"); token != "" {
		text, err := base64.StdEncoding.DecodeString(token)
		if _, scan := fmt.Sscanf(string(text), `{"offset": %d}`, &offset); err != nil || scan != nil {
			return f.invalid(fmt.Errorf("Invalid page token, could not base64-decode"))
		}
	}
	if rule.none {
		size, offset = len(rows), 0
	}
	offset = min(offset, len(rows))
	end := min(offset+size, len(rows))
	var shown []any
	for _, row := range rows[offset:end] {
		shown = append(shown, show(row))
	}
	f.rows[r.Endpoint] += len(shown)
	var token any
	if end < len(rows) || rule.fullToken && end-offset == size {
		token = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"offset": %d}`, end))
	}
	return jsonAnswer(members(rule.key, shown, "next_page_token", token))
}
