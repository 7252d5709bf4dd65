package batch_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

const (
	ofRun   = "mlflow-artifacts:/1/a-1/artifacts"
	ofModel = ofRun + "/model"
)

func evidence() *mlflowtest.Memory {
	m := &mlflowtest.Memory{}
	m.AddModel("A", nil, "None")
	m.AddFile(ofModel+"/MLmodel", "run_id: a-1\nflavors:\n  python_function: {python_version: 3.10.2}\nsaved_input_example_info: {artifact_path: example.npz}\n")
	for path, data := range map[string]string{
		ofModel + "/requirements.txt":    "mlflow==3.1\n",
		ofModel + "/conda.yaml":          "name: x\n",
		ofModel + "/example.npz":         "\x00\xff",
		ofModel + "/data/Schema.json":    "{}",
		ofModel + "/data/schema.json":    "[]",
		ofModel + "/model.pkl":           "secret",
		ofRun + "/plots/a:b.png":         "png",
		ofRun + "/empty.html":            "",
		ofRun + "/notes.txt":             "not evidence",
		ofRun + "/other/MLmodel":         "run_id: a-1\n",
		ofRun + "/other/metrics.json":    "of another model",
		ofRun + "/big.pdf":               strings.Repeat("x", 5<<20+1),
		ofRun + "/just small enough.pdf": strings.Repeat("x", 5<<20),
	} {
		m.AddFile(path, data)
	}
	return m
}

const keepEvidence = "{uri: models:/A/1, copy: evidence}"

// copies are the files below files/ of a report, with their content.
func (b *bench) copies() map[string]string {
	b.Helper()
	out := map[string]string{}
	root := filepath.Join(b.dir, "model_reports", "A", "1")
	err := filepath.WalkDir(filepath.Join(root, "files"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return out
}

func (b *bench) document() *mlflow.Object {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, "model_reports", "A", "1", "report.json"))
	if err != nil {
		b.Fatal(err)
	}
	if err := mlflowtest.ValidateReport(data); err != nil {
		b.Error(err)
	}
	doc, err := mlflow.DecodeReport(data)
	if err != nil {
		b.Fatal(err)
	}
	return doc.(*mlflow.Object)
}

func TestEvidenceIsKeptBesideTheReport(t *testing.T) {
	m := evidence()
	b := newBench(t, m)
	b.run(keepEvidence)
	want := map[string]string{
		"files/model/requirements.txt": "mlflow==3.1\n", "files/model/conda.yaml": "name: x\n", "files/model/example.npz": "\x00\xff",
		"files/model/data/Schema.json": "{}", "files/run/plots/a%3Ab.png": "png", "files/run/empty.html": "",
		"files/run/just small enough.pdf": strings.Repeat("x", 5<<20),
	}
	got := b.copies()
	for name, data := range got { // of names that differ by case, one gets a hash
		if strings.HasPrefix(name, "files/model/data/schema.json~") {
			want[name] = "[]"
		}
		if data != want[name] {
			t.Errorf("%s: %d bytes", name, len(data))
		}
	}
	if len(got) != len(want) || len(want) != 8 {
		t.Errorf("%d copies, want %d", len(got), len(want))
	}
	files := b.document().Object("files")
	for path, f := range files.All() {
		f := f.(*mlflow.Object)
		sum := sha256.Sum256([]byte(m.Files[strings.NewReplacer("model/", ofModel+"/", "run/", ofRun+"/").Replace(path)]))
		if f.Text("left_out") == "" && (f.Text("sha256") != hex.EncodeToString(sum[:]) || got[f.Text("file")] == "" && path != "run/empty.html") {
			t.Errorf("%s: %s", path, mlflow.JSON{}.Append(nil, f))
		}
	}
	if f := files.Object("run/big.pdf"); f.Text("left_out") != "too-large" || f.Text("bytes") != "5242881" || f.Has("sha256") {
		t.Errorf("%s", mlflow.JSON{}.Append(nil, f))
	}
	if files.Len() != 9 || files.Has("model/MLmodel") {
		t.Errorf("%d files are named", files.Len())
	}
	if e := b.document().Object("environment"); e.Text("python_version") != "3.10.2" || len(e.List("requirements")) != 1 {
		t.Errorf("%s", mlflow.JSON{}.Append(nil, e))
	}
	index, err := os.ReadFile(filepath.Join(b.dir, "index.json"))
	if err != nil || !strings.Contains(string(index), `"path":"model_reports/A/1/files/run/plots/a%3Ab.png","sha256"`) {
		t.Errorf("%v: %s", err, index)
	}
}

func TestEqualCopiesAreNotWrittenAgain(t *testing.T) {
	m := evidence()
	b := newBench(t, m)
	b.run(keepEvidence)
	before := modTimes(t, b.dir)
	if rows := b.run(keepEvidence); !strings.HasPrefix(rows[0], "ok ") {
		t.Error(rows)
	}
	if d := cmp.Diff(before, modTimes(t, b.dir)); d != "" {
		t.Error(d)
	}
	m.AddFile(ofModel+"/conda.yaml", "name: y\n")
	tampered := filepath.Join(b.dir, "model_reports", "A", "1", "files", "run", "empty.html")
	if err := os.WriteFile(tampered, []byte("planted"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run(keepEvidence)
	if got := b.copies(); got["files/model/conda.yaml"] != "name: y\n" || got["files/run/empty.html"] != "" {
		t.Errorf("%.300q", got)
	}
}

// modTimes are the times and sizes of all files of a tree but run.json.
func modTimes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "run.json" || strings.HasPrefix(e.Name(), ".mlreport") {
			return err
		}
		info, err := e.Info()
		out[path] = fmt.Sprint(info.ModTime(), info.Size())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestACopyThatCannotBeReadThisTimeIsKept(t *testing.T) {
	for _, kind := range []string{"ReadFile", "List"} {
		m := evidence()
		b := newBench(t, m)
		b.run(keepEvidence)
		before := b.copies()
		m.Fail = func(k, key string) error {
			if k == kind && (strings.HasSuffix(key, "/a:b.png") || key == ofRun+"/") {
				return mlflow.ErrUnavailable
			}
			return nil
		}
		m.AddFile(ofModel+"/conda.yaml", "name: y\n")
		if rows := b.run(keepEvidence); !strings.HasPrefix(rows[0], "stale ") {
			t.Error(kind, rows)
		}
		if d := cmp.Diff(before, b.copies()); d != "" {
			t.Errorf("%s: %.500s", kind, d)
		}
	}
}

func TestACopyThatIsGoneForGoodIsRemovedAndNamed(t *testing.T) {
	m := evidence()
	b := newBench(t, m)
	b.run(keepEvidence)
	delete(m.Files, ofRun+"/plots/a:b.png")
	for range 2 { // for as long as it does not come back
		b.run(keepEvidence)
		index, err := os.ReadFile(filepath.Join(b.dir, "index.json"))
		if err != nil || !strings.Contains(string(index), `"lost":["files/run/plots/a:b.png"]`) {
			t.Errorf("%v: %s", err, index)
		}
	}
	if got := b.copies(); len(got) != 7 || got["files/run/plots/a%3Ab.png"] != "" {
		t.Errorf("%d copies", len(got))
	}
	if _, err := os.Stat(filepath.Join(b.dir, "model_reports", "A", "1", "files", "run", "plots")); err == nil {
		t.Error("its folder stays behind")
	}
	for _, fewer := range []string{"{uri: models:/A/1, copy: model/conda.yaml}", "models:/A/1"} {
		b.run(fewer)
		index, err := os.ReadFile(filepath.Join(b.dir, "index.json"))
		if err != nil || strings.Contains(string(index), `"lost"`) {
			t.Errorf("what nobody asks for any more is lost: %v: %s", err, index)
		}
	}
	if got := b.copies(); len(got) != 0 {
		t.Errorf("%d copies", len(got))
	}
}

func TestCopiesOfAModelAreNoLargerThanAllMayBe(t *testing.T) {
	m := &mlflowtest.Memory{}
	m.AddModel("A", nil, "None")
	for i := range 11 {
		m.AddFile(fmt.Sprintf("%s/%02d.json", ofRun, i), strings.Repeat("x", 5<<20-1000))
	}
	m.AddFile(ofRun+"/last.json", "small")
	b := newBench(t, m)
	b.run(keepEvidence)
	files := b.document().Object("files")
	if files.Object("run/10.json").Text("left_out") != "over-total" || !files.Object("run/last.json").Has("sha256") || files.Len() != 12 {
		t.Errorf("%s", mlflow.JSON{}.Append(nil, files))
	}
}

func TestTheEnvironmentCostsOneFile(t *testing.T) {
	m := evidence()
	b := newBench(t, m)
	b.run("{uri: models:/A/1, environment: true}")
	if n := m.Calls("ReadFile"); n != 2 || m.Calls("List") != 0 {
		t.Errorf("%d files were read, %d folders listed", n, m.Calls("List"))
	}
	if b.document().Has("files") {
		t.Error("files that nobody asked for")
	}
	delete(m.Files, ofModel+"/requirements.txt")
	delete(m.Files, ofModel+"/conda.yaml")
	if rows := b.run("{uri: models:/A/1, environment: true}"); !strings.HasPrefix(rows[0], "ok ") {
		t.Error(rows)
	}
	if got := b.document().List("issues"); len(got) != 1 || got[0].(*mlflow.Object).Text("section") != "environment" {
		t.Errorf("%v", got)
	}
}
