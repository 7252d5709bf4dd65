package report

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func newIndexWriter(t testing.TB) *IndexWriter {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return NewIndexWriter(f, nil)
}

func emitIndex(t testing.TB, x Index, rows ...Row) string {
	t.Helper()
	w := newIndexWriter(t)
	for _, r := range rows {
		if err := w.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := w.Emit(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func readIndex(t testing.TB, text string) *IndexReader {
	t.Helper()
	r, err := ReadIndex(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return r
}

func allRows(t testing.TB, r *IndexReader) []Row {
	t.Helper()
	var rows []Row
	for row, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func versionRow(entry int, model string, version int64) Row {
	uri := fmt.Sprintf("models:/%s/%d", model, version)
	return Row{Entry: entry, Status: StatusOK, URI: uri, URIs: []string{uri}, Host: "prod", Model: model, Version: version, Place: fmt.Sprintf("%s/%d", model, version)}
}

var fullRow = Row{
	Status: StatusPartial, URI: "models:/A/7", URIs: []string{"models:/A@champion", "models:/A/7"}, Host: "prod",
	Model: "A", Version: 7, Place: "A/7", Sections: []string{"mlflow_model", "model_version"},
	Files:  []FileRef{{"model_reports/A/7/report.json", strings.Repeat("ab", 32), 6001}},
	Issues: []mlflow.Issue{mlflow.NewIssue("run", mlflow.RunNotFound, "0123")},
	Lost:   []string{"run"},
	Inventory: Inventory{
		Aliases: []string{"champion"}, Stage: "Production", Owner: "risk", Description: "d", Created: "2026-01-02 03:04:05", Run: "ab", RunUser: "anna",
		GitCommit: "c0ffee", Flavor: "sklearn", MLflowVersion: "3.17.2", Signature: new(bool), Datasets: []Dataset{{Name: "wine", Digest: "d1", Context: "training"}, {Name: "x"}},
	},
}

func TestIndexIsWrittenAsDocumented(t *testing.T) {
	x := Index{
		Selectors: []Selector{{Select: `models: "A*", versions: latest`, Host: "prod", Listed: 2, Models: 1, Selected: 1, Written: 1}},
		Hosts:     []Host{{Name: "prod", Source: "http://mlflow:5000", Status: "ok"}, {Name: "dev", Status: "unreachable"}},
	}
	want := `{"format": "mlreport-index/1", "entries": [
{"status":"partial","uri":"models:/A/7","uris":["models:/A@champion","models:/A/7"],"host":"prod","model":"A","version":7,"place":"A/7",` +
		`"aliases":["champion"],"stage":"Production","owner":"risk","description":"d","created":"2026-01-02 03:04:05","run":"ab","run_user":"anna","git_commit":"c0ffee",` +
		`"flavor":"sklearn","mlflow_version":"3.17.2","signature":false,"datasets":[{"name":"wine","digest":"d1","context":"training"},{"name":"x"}],` +
		`"sections":["mlflow_model","model_version"],"files":[{"path":"model_reports/A/7/report.json","sha256":"` + strings.Repeat("ab", 32) + `","bytes":6001}],` +
		`"issues":[{"section":"run","code":"run-not-found","level":"gap","message":"there is no run 0123"}],"lost":["run"]},
{"status":"failed","uri":"models:/<B>/1","uris":["models:/<B>/1"],"host":"dev"}
],
"selectors": [
{"select":"models: \"A*\", versions: latest","host":"prod","listed":2,"models":1,"selected":1,"written":1,"failed":0}
],
"hosts": {"dev":{"status":"unreachable"},"prod":{"source":"http://mlflow:5000","status":"ok"}}}
`
	got := emitIndex(t, x, fullRow, Row{Entry: 1, Status: StatusFailed, URI: "models:/<B>/1", URIs: []string{"models:/<B>/1"}, Host: "dev"})
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestIndexReadsBackWhatWasWritten(t *testing.T) {
	x := Index{
		Selectors: []Selector{{Select: "a*", Host: "prod", Models: 2, Selected: 3, Failed: 1, Issues: []mlflow.Issue{mlflow.NewIssue("entry", mlflow.SelectionShrunk, "a*", 3, 9)}}},
		Hosts:     []Host{{Name: "a", Source: "s", Registry: "r", Status: "ok"}},
	}
	failed := Row{Status: StatusFailed, URI: "models:/gone/1", URIs: []string{"models:/gone/1"}, Host: "prod", Issues: []mlflow.Issue{mlflow.NewIssue("entry", mlflow.ModelNotFound, "gone")}}
	r := readIndex(t, emitIndex(t, x, failed, fullRow))
	if d := cmp.Diff([]Row{failed, fullRow}, allRows(t, r)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(x, r.Index); d != "" {
		t.Error(d)
	}
}

func TestEmptyIndexReads(t *testing.T) {
	text := emitIndex(t, Index{})
	if want := "{\"format\": \"mlreport-index/1\", \"entries\": [],\n\"selectors\": [],\n\"hosts\": {}}\n"; text != want {
		t.Errorf("got %s", text)
	}
	if r := readIndex(t, text); r.Len() != 0 {
		t.Errorf("%d rows", r.Len())
	}
}

func TestRowsAreInOrderWhateverOrderTheyCameIn(t *testing.T) {
	want := []Row{
		versionRow(0, "b", 1), // the manifest's order comes first,
		versionRow(1, "B", 1), // then the name in byte order,
		versionRow(1, "a", 2), // then the version as a number
		versionRow(1, "a", 10),
		versionRow(1, "\u00e4", 1),
		{Entry: 2, Status: StatusFailed, URI: "models:/x@p", Host: "prod"}, // then the text
		{Entry: 2, Status: StatusFailed, URI: "models:/x@q", Host: "prod"},
	}
	first := emitIndex(t, Index{}, want...)
	for seed := range uint64(20) {
		rows := append([]Row(nil), want...)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if got := emitIndex(t, Index{}, rows...); got != first {
			t.Fatalf("order %d gives\n%s\nnot\n%s", seed, got, first)
		}
	}
	var uris []string
	for _, r := range allRows(t, readIndex(t, first)) {
		uris = append(uris, r.URI)
	}
	if d := cmp.Diff([]string{"models:/b/1", "models:/B/1", "models:/a/2", "models:/a/10", "models:/\u00e4/1", "models:/x@p", "models:/x@q"}, uris); d != "" {
		t.Error(d)
	}
}

// Some megabytes of rows are more than are held in memory: they come from the
// spool, in several runs, in the order that they would have had at once.
func TestMoreRowsThanAreHeldComeOutInOrder(t *testing.T) {
	const entries, models, versions = 3, 40, 50
	var rows []Row
	for n := range entries * models * versions {
		row := versionRow(n/(models*versions), fmt.Sprintf("model %02d", n/versions%models), int64(n%versions+1))
		row.Line, row.Description = int64(n), strings.Repeat("long ", 200)
		rows = append(rows, row)
	}
	emit := func(rows []Row) (index, records string, lines []int64) {
		spool, err := os.Create(filepath.Join(t.TempDir(), "rows"))
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		w := NewIndexWriter(spool, func(r Row) []byte { return []byte(r.URI + "\n") })
		for _, r := range rows {
			if err := w.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		var a, b bytes.Buffer
		if err := errors.Join(w.Emit(&a, Index{}), w.EmitRecords(&b)); err != nil {
			t.Fatal(err)
		}
		for n, err := range w.Lines() {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, n)
		}
		if info, err := spool.Stat(); err != nil || info.Size() < 2*heldBytes {
			t.Fatalf("the spool has %v, %v: too few rows for this test", info, err)
		}
		return a.String(), b.String(), lines
	}
	var want strings.Builder
	for _, r := range rows {
		want.WriteString(r.URI + "\n")
	}
	first, _, _ := emit(rows)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	index, records, lines := emit(rows)
	if index != first {
		t.Error("index.json depends on the order in which rows come")
	}
	if records != want.String() {
		t.Error("the records are not in the order of the index")
	}
	if !slices.IsSorted(lines) || len(lines) != len(rows) {
		t.Errorf("%d lines, in another order than the rows of the index", len(lines))
	}
}

func TestRowsAreFoundByPlaceAndURI(t *testing.T) {
	other := versionRow(1, "A", 7)
	other.Host, other.Place = "dev", "@dev/A/7"
	r := readIndex(t, emitIndex(t, Index{}, fullRow, other, versionRow(2, "A", 8)))
	if row, ok, err := r.ByPlace("@dev/A/7"); err != nil || !ok || row.Host != "dev" {
		t.Errorf("%v %v %v", row, ok, err)
	}
	if row, ok, err := r.ByPlace("A/9"); err != nil || ok {
		t.Errorf("%v %v", row, err)
	}
	for _, q := range []struct{ host, uri, want string }{
		{"prod", "models:/A/7", "A/7"},
		{"prod", "models:/A@champion", "A/7"},
		{"dev", "models:/A/7", "@dev/A/7"},
		{"dev", "models:/A@champion", ""},
	} {
		place := ""
		for row, err := range r.ByURI(q.host, q.uri) {
			if err != nil || place != "" {
				t.Fatal(row, err)
			}
			place = row.Place
		}
		if place != q.want {
			t.Errorf("%s on %s: %q, want %q", q.uri, q.host, place, q.want)
		}
	}
}

func TestAllRowsOfASelectorAreFound(t *testing.T) {
	w := newIndexWriter(t)
	for i := range 50 {
		row := versionRow(0, "m", int64(i+1))
		row.URIs = []string{"select m*"}
		if err := w.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := w.Emit(&b, Index{}); err != nil {
		t.Fatal(err)
	}
	var next int64 = 1
	for row, err := range readIndex(t, b.String()).ByURI("prod", "select m*") {
		if err != nil || row.Version != next {
			t.Fatalf("%v, want version %d: %v", row, next, err)
		}
		next++
	}
	if next != 51 {
		t.Errorf("stopped at %d", next)
	}
}

func TestNamesThatAreNoTextAreFoundAgain(t *testing.T) {
	row := versionRow(0, "caf\xe9", 1) // Latin-1 in a database
	r := readIndex(t, emitIndex(t, Index{}, row))
	n := 0
	for _, err := range r.ByURI("prod", "models:/caf\xe9/1") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestIndexThatWasLaidOutAnewStillReads(t *testing.T) {
	text := emitIndex(t, Index{}, fullRow, versionRow(1, "A", 8))
	text = strings.NewReplacer(",\"", ",\n   \"", "{", "{\n ").Replace(text)
	if row, ok, err := readIndex(t, text).ByPlace("A/8"); !ok || err != nil || row.Version != 8 {
		t.Error(row, ok, err)
	}
}

func TestIndexWithUnknownMembersReads(t *testing.T) {
	text := `{"format":"mlreport-index/1","more":{"a":[1]},"entries":[{"status":"gone","uri":"u","inputs":"x"}]}`
	if rows := allRows(t, readIndex(t, text)); len(rows) != 1 || rows[0].Status != "gone" {
		t.Error(rows)
	}
}

func TestDamagedIndexIsRefused(t *testing.T) {
	whole := emitIndex(t, Index{}, fullRow)
	for _, text := range []string{
		"", "{", "[]", whole[:len(whole)/2], whole + "x", strings.Replace(whole, `"prod"`, `"prod","host":"dev"`, 1),
		`{"format": "mlreport-index/1", "entries": [7]}`, `{"format": "mlreport-index/1", "entries": {}}`, `{"format": "mlreport-index/1", "hosts": []}`,
		strings.Replace(whole, `"version":7`, `"version":NaN`, 1),
	} {
		if _, err := ReadIndex(strings.NewReader(text), int64(len(text))); err == nil || errors.Is(err, ErrIndexFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestIndexOfAnotherFormatIsToldApart(t *testing.T) {
	for _, text := range []string{`{}`, `{"format": "mlreport-index/2", "entries": 7}`, `{"entries": []}`} {
		if _, err := ReadIndex(strings.NewReader(text), int64(len(text))); !errors.Is(err, ErrIndexFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRowsMayBeAddedAndFoundAtTheSameTime(t *testing.T) {
	w := newIndexWriter(t)
	old := readIndex(t, emitIndex(t, Index{}, fullRow))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if err := w.Add(versionRow(g, "m", int64(i+1))); err != nil {
					t.Error(err)
				}
				if _, ok, err := old.ByPlace("A/7"); !ok || err != nil {
					t.Error(ok, err)
				}
			}
		})
	}
	wg.Wait()
	var b bytes.Buffer
	if err := w.Emit(&b, Index{}); err != nil {
		t.Fatal(err)
	}
	if n := readIndex(t, b.String()).Len(); n != 200 {
		t.Errorf("%d rows", n)
	}
}

func FuzzReadIndex(f *testing.F) {
	f.Add([]byte(`{"format": "mlreport-index/1", "entries": [` + string(AppendRow(nil, fullRow)) + `], "selectors": [{}], "hosts": {"a": {}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadIndex(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		var rows []Row
		for row, err := range r.All() {
			if err != nil {
				return
			}
			rows = append(rows, row)
		}
		again := readIndex(t, emitIndex(t, r.Index, rows...))
		for i := range rows { // the order of entries is not in the file
			rows[i].Entry = i
		}
		if again.Len() != len(rows) {
			t.Fatalf("%d rows became %d", len(rows), again.Len())
		}
		for _, row := range rows {
			found := false
			for got, err := range again.ByURI(row.Host, row.URI) {
				found = found || err == nil && cmp.Equal(AppendRow(nil, got), AppendRow(nil, row))
			}
			if !found {
				t.Fatalf("lost %s", AppendRow(nil, row))
			}
		}
	})
}

func BenchmarkIndexOf10000Rows(b *testing.B) {
	for b.Loop() {
		w := newIndexWriter(b)
		for i := range 10000 {
			row := fullRow
			row.Model, row.Version = fmt.Sprintf("model %d", i%100), int64(i)
			row.URI = fmt.Sprintf("models:/%s/%d", row.Model, row.Version)
			row.Place = row.URI[8:]
			if err := w.Add(row); err != nil {
				b.Fatal(err)
			}
		}
		var text bytes.Buffer
		if err := w.Emit(&text, Index{}); err != nil {
			b.Fatal(err)
		}
		r, err := ReadIndex(bytes.NewReader(text.Bytes()), int64(text.Len()))
		if err != nil {
			b.Fatal(err)
		}
		for i := range 10000 {
			if _, ok, err := r.ByPlace(fmt.Sprintf("model %d/%d", i%100, i)); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	}
}
