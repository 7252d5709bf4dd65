package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

func clock() time.Time { return time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC) }

var stamp = regexp.MustCompile(`"timestamp": ?"[^"]*"`)

// sameButStamp stands for the report package's way to compare.
func sameButStamp(old, new []byte) bool {
	return bytes.Equal(stamp.ReplaceAll(old, nil), stamp.ReplaceAll(new, nil))
}

// memory gives a new folder in memory where there is one: a busy disk makes
// each syncfs of these tests wait for what others write.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mlreport")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func openTree(t testing.TB, o Options) *Tree {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	if o.Same == nil {
		o.Same = sameButStamp
	}
	tree, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

// doc makes a report of the sections given.
func doc(stamp string, sections ...string) []byte {
	b := fmt.Sprintf("{\n  \"manifest\": {\"timestamp\": %q}", stamp)
	for _, s := range sections {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			value = "{}"
		}
		b += fmt.Sprintf(",\n  %q: %s", key, value)
	}
	return []byte(b + "\n}\n")
}

// batch opens, writes reports with one row each, commits and closes.
func batch(t testing.TB, o Options, reports ...Report) []Written {
	t.Helper()
	tree := openTree(t, o)
	var all []Written
	for i, r := range reports {
		w, err := tree.WriteReport(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Add(rowOf(i, r, w)); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	if err := tree.Commit(report.Index{}, Run{Started: clock(), Ended: clock()}); err != nil {
		t.Fatal(err)
	}
	if err := tree.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

func rowOf(entry int, r Report, w Written) report.Row {
	return report.Row{
		Entry: entry, Status: report.StatusOK, URI: "models:/" + r.Place, Host: "h", Place: r.Place,
		Sections: w.Sections, Files: w.Files, Issues: r.Issues, Lost: w.Lost, Line: w.Line,
	}
}

// files reads a tree; the lock and run.json, which differ each time, aside.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if rel == runName || rel == lockName {
			return nil
		}
		data, err := os.ReadFile(p)
		m[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t testing.TB, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func modTime(t testing.TB, elem ...string) time.Time {
	t.Helper()
	info, err := os.Stat(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// age makes a file look old, so that a rewrite shows.
func age(t testing.TB, elem ...string) time.Time {
	t.Helper()
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(elem...), old, old); err != nil {
		t.Fatal(err)
	}
	return modTime(t, elem...)
}

func TestTreeHoldsReportsObjectsIndexAndRun(t *testing.T) {
	dir := filepath.Join(memory(t), "a", "out")
	r := Report{Place: "A/7", JSON: doc("t", "run", "experiment"), MLmodel: []byte("flavors: {}\n"), Objects: []ObjectFile{{"runs/01", []byte("{}\n")}}}
	w := batch(t, Options{Dir: dir}, r)
	want := []report.FileRef{
		fileRef("mlflow_objects/runs/01.json", r.Objects[0].JSON),
		fileRef("model_reports/A/7/MLmodel", r.MLmodel),
		fileRef("model_reports/A/7/report.json", r.JSON),
	}
	if d := cmp.Diff([]Written{{Change: New, Files: want, Sections: []string{"run", "experiment"}}}, w); d != "" {
		t.Error(d)
	}
	got := files(t, dir)
	if len(got) != 6 || got[markerName] != "{\"format\": \"mlreport-tree/1\"}\n" || got["model_reports/A/7/report.json"] != string(r.JSON) || got["model_reports/A/7/MLmodel"] != string(r.MLmodel) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(got[indexName], `"place":"A/7"`) || strings.Contains(got[indexName], dir) || strings.Contains(got[indexName], "2026") {
		t.Error(got[indexName])
	}
	if run := read(t, dir, runName); !strings.Contains(run, `"started": "2026-11-02T03:04:05Z"`) {
		t.Error(run)
	}
}

func TestSecondBatchOverTheSameChangesNothingButRun(t *testing.T) {
	dir := memory(t)
	reports := func(stamp string) []Report {
		return []Report{
			{Place: "A/7", JSON: doc(stamp, "run"), MLmodel: []byte("m"), Objects: []ObjectFile{{"runs/01", []byte("{}\n")}}},
			{Place: "A/8", JSON: doc(stamp, "run"), Objects: []ObjectFile{{"runs/01", []byte("{}\n")}}},
		}
	}
	batch(t, Options{Dir: dir}, reports("first")...)
	before := files(t, dir)
	times := map[string]time.Time{}
	for name := range before {
		times[name] = age(t, dir, name)
	}
	for _, w := range batch(t, Options{Dir: dir}, reports("second")...) {
		if w.Change != Unchanged {
			t.Error(w.Change)
		}
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Error(d)
	}
	for name, was := range times {
		if is := modTime(t, dir, name); !is.Equal(was) {
			t.Errorf("%s was written again", name)
		}
	}
}

func TestReportThatChangedIsReplacedAndTheRestStays(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1", "run=1"), MLmodel: []byte("m")})
	was := age(t, dir, "model_reports/A/7/MLmodel")
	now := doc("2", "run=2")
	w := batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: now, MLmodel: []byte("m")})
	if w[0].Change != Changed || w[0].Lost != nil || read(t, dir, "model_reports/A/7/report.json") != string(now) {
		t.Error(w)
	}
	if !modTime(t, dir, "model_reports/A/7/MLmodel").Equal(was) {
		t.Error("an equal MLmodel was written again")
	}
	w = batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: now, MLmodel: []byte("m2")})
	if w[0].Change != Changed || read(t, dir, "model_reports/A/7/MLmodel") != "m2" {
		t.Error(w)
	}
}

func TestFolderWithOtherFilesIsRefusedAndStaysAsItIs(t *testing.T) {
	for _, content := range []map[string]string{
		{"thesis.tex": "x"},
		{".git/config": "x"},
		{markerName: `{"format": "mlreport-tree/2"}`, "a": "b"},
		{markerName: `{"format": "mlreport-tree/1"}`, indexName: `{"format": "mlreport-index/9", "entries": 5}`},
	} {
		dir := memory(t)
		for name, text := range content {
			if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		before := files(t, dir)
		_, err := Open(context.Background(), Options{Dir: dir, Now: clock})
		if !errors.Is(err, ErrNotTree) || mlflow.Hint(err) == "" || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v: %v", content, err)
		}
		if d := cmp.Diff(before, files(t, dir)); d != "" {
			t.Error(d)
		}
	}
}

func TestEmptyFolderAndFreshVolumeAreTaken(t *testing.T) {
	for _, name := range []string{"", "lost+found/x", ".mlreport.json.tmp", ".mlreport.lock"} {
		dir := memory(t)
		if name != "" {
			if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if tree, err := Open(context.Background(), Options{Dir: dir, Now: clock}); err != nil {
			t.Errorf("%q: %v", name, err)
		} else if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBatchWithoutCommitLeavesTheOldIndex(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1")})
	index := read(t, dir, indexName)
	tree := openTree(t, Options{Dir: dir})
	if _, err := tree.WriteReport(Report{Place: "A/8", JSON: doc("1")}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tree.WriteRun(Run{Interrupted: true}), tree.Close(), tree.Close()); err != nil {
		t.Fatal(err)
	}
	if read(t, dir, indexName) != index || !strings.Contains(read(t, dir, runName), `"interrupted": true`) {
		t.Error("the index changed, or run.json does not say why it did not")
	}
	for name := range files(t, dir) {
		if isTemp(filepath.Base(name)) || name == spoolName {
			t.Errorf("left over: %s", name)
		}
	}
}

func TestIndexGetsItsNameWhenAllElseIsDurable(t *testing.T) {
	for noSync, want := range map[bool][]string{
		false: {"rename model_reports/A/7/report.json", "sync .", "rename models.csv", "rename index.json", "rename run.json"},
		true:  {"rename model_reports/A/7/report.json", "rename models.csv", "rename index.json", "rename run.json"},
	} {
		dir := memory(t)
		openTree(t, Options{Dir: dir}).Close()
		var got []string
		o := Options{Dir: dir, NoSync: noSync, Before: func(s Step, path string) error {
			if s == StepSync || s == StepRename {
				got = append(got, string(s)+" "+path)
			}
			return nil
		}}
		r := Report{Place: "A/7", JSON: doc("1")}
		batch(t, o, r)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		got = nil
		batch(t, o, r)
		if d := cmp.Diff([]string{"rename run.json"}, got); d != "" {
			t.Error("nothing changed, but: ", d)
		}
	}
}

func TestDamagedIndexCostsOnlyWhatItKnew(t *testing.T) {
	dir := memory(t)
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1")})
	whole := read(t, dir, indexName)
	if err := os.WriteFile(filepath.Join(dir, indexName), []byte(whole[:60]), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := openTree(t, Options{Dir: dir})
	if old, err := tree.Previous(); old != nil || err == nil {
		t.Error(old, err)
	}
	tree.Close()
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("2")})
	if d := cmp.Diff(whole, read(t, dir, indexName)); d != "" {
		t.Error(d)
	}
}

func TestLinksPlantedInTheTreeAreNotFollowedOut(t *testing.T) {
	base := memory(t)
	dir, outside := filepath.Join(base, "out"), filepath.Join(base, "outside")
	batch(t, Options{Dir: dir}, Report{Place: "A/7", JSON: doc("1"), MLmodel: []byte("m")})
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, "secret")
	link := func(target string, elem ...string) {
		name := filepath.Join(append([]string{dir}, elem...)...)
		if err := errors.Join(os.WriteFile(secret, []byte("{}"), 0o600), os.RemoveAll(name), os.Symlink(target, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(secret, "model_reports/A/7/report.json")
	link(secret, "model_reports/A/7/MLmodel")
	link(secret, "model_reports/A/7/.report.json.tmp")
	link(secret, "index.json")
	link("../outside/secret", "run.json")
	link(outside, "model_reports/B")
	link("../../outside", "mlflow_objects")
	tree := openTree(t, Options{Dir: dir})
	if _, err := tree.WriteReport(Report{Place: "A/7", JSON: doc("2"), MLmodel: []byte("m2")}); err != nil {
		t.Error(err)
	}
	if _, err := tree.WriteReport(Report{Place: "B/1", JSON: doc("2")}); err == nil {
		t.Error("a report went through a link")
	}
	if _, err := tree.WriteReport(Report{Place: "C/1", JSON: doc("2"), Objects: []ObjectFile{{"runs/1", []byte("{}")}}}); err == nil {
		t.Error("an object went through a link")
	}
	for _, place := range []string{"../../outside", "/outside", "x/../../../outside", "../mlflow_objects/x", ".", ""} {
		if _, err := tree.WriteReport(Report{Place: place, JSON: doc("2")}); err == nil {
			t.Errorf("place %s was written", place)
		}
	}
	if err := tree.Commit(report.Index{}, Run{}); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(map[string]string{"secret": "{}"}, files(t, outside)); d != "" {
		t.Error(d)
	}
	if info, err := os.Lstat(filepath.Join(dir, "model_reports/A/7/report.json")); err != nil || !info.Mode().IsRegular() {
		t.Error("the link is still there", err)
	}
}

func TestManyGoroutinesWriteOneTree(t *testing.T) {
	dir := memory(t)
	tree := openTree(t, Options{Dir: dir})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 10 {
				r := Report{Place: fmt.Sprintf("m%d/%d", g%4, i), JSON: doc("1", "run"), MLmodel: []byte("m")} // two goroutines each
				r.Objects = []ObjectFile{{"experiments/1", fmt.Appendf(nil, "{\"from\": %d}\n", g)}, {fmt.Sprintf("runs/%d", i), []byte("{}\n")}}
				w, err := tree.WriteReport(r)
				if err != nil {
					t.Error(err)
				}
				if g < 4 {
					err = tree.Add(rowOf(g*10+i, r, w))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := tree.Commit(report.Index{}, Run{}); err != nil {
		t.Fatal(err)
	}
	checkIndex(t, dir, 40)
}

// checkIndex wants that every file that index.json names is there, as it says.
func checkIndex(t testing.TB, dir string, rows int) {
	t.Helper()
	text := read(t, dir, indexName)
	x, err := report.ReadIndex(strings.NewReader(text), int64(len(text)))
	if err != nil || x.Len() != rows {
		t.Fatal(x, err)
	}
	for row, err := range x.All() {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range row.Files {
			if got := fileRef(f.Path, []byte(read(t, dir, f.Path))); got != f {
				t.Errorf("index says %v, the disk %v", f, got)
			}
		}
	}
}

func TestObjectIsWrittenOnceABatch(t *testing.T) {
	dir := memory(t)
	first, second := []byte("{\"v\": 1}\n"), []byte("{\"v\": 2}\n")
	report := func(place string, object []byte) Report {
		return Report{Place: place, JSON: doc("1"), Objects: []ObjectFile{{"experiments/1", object}}}
	}
	w := batch(t, Options{Dir: dir}, report("A/1", first), report("A/2", second))
	if read(t, dir, "mlflow_objects/experiments/1.json") != string(first) || w[1].Files[0] != fileRef("mlflow_objects/experiments/1.json", first) {
		t.Error("an object that changed while the batch ran makes rows of the index disagree")
	}
	batch(t, Options{Dir: dir}, report("A/1", second))
	if read(t, dir, "mlflow_objects/experiments/1.json") != string(second) {
		t.Error("the next batch does not write it")
	}
}
