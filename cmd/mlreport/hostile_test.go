//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/report"
)

// hostileNames are names of registered models that a database can hold and
// that would do harm as names of files.
func hostileNames() []string {
	return []string{
		"../../etc/x", "/etc/passwd", `C:\x`, `..\..\x`, "a/../../../b", ".", "..", "...", ".hidden", "~root", "-rf", "CON", "con", "aux.txt", "LPT1", "NUL.", "COM¹",
		strings.Repeat("é", 200), strings.Repeat("x", 256), strings.Repeat("x", 255) + "y", "Case", "case", "CASE", "dots...", "dots", "blank ", " blank",
		"\u202egpj.exe", "zero\u200bwidth", "\ufeffmark", "🦊🐍", "👩\u200d👩\u200d👧", "e\u0301", "é", "line\nbreak", "\x1b[31mred", "tab\t", "%2e%2e", "a%00b", "x?y*z|<>\"",
		"@host", "runs", "logged_models", "index.json", ".mlreport.json", "report.json", "\\\\server\\share", "$(id)", "`id`", "';DROP TABLE runs;--",
	}
}

// Whatever models are called, each has its report, inside the tree, at a place
// that every system can hold, and nobody else's terminal is moved.
func TestHostileNamesHaveTheirReportsInsideTheTree(t *testing.T) {
	s := newSampleStore(t)
	for n, name := range hostileNames() {
		s.sql("INSERT INTO registered_models (name, creation_time, last_updated_time, description, workspace) VALUES (?, 1, 1, '', 'default')", name)
		s.sql("INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, current_stage, source, run_id, status, run_link, storage_location, workspace)"+
			" VALUES (?, 1, 1, 1, ?, 'None', ?, ?, 'READY', '', ?, 'default')", name, fmt.Sprint(n), wineFiles+"/../"+name, wineRun, wineFiles+"/../"+name)
	}
	file := s.manifest(`{select: {models: "*", versions: all}, objects: true}`)
	before := outside(t, s.dir, "out")
	got := s.types("run", file, "--out", s.path("out"))
	if got.code != exitOK {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	if strings.ContainsFunc(got.err, func(r rune) bool { return r < ' ' && r != '\n' || r == '\u202e' }) {
		t.Errorf("said %q", got.err)
	}
	if d := cmp.Diff(before, outside(t, s.dir, "out")); d != "" {
		t.Errorf("outside of the tree:\n%s", d)
	}
	s.placesAreHarmless()
	found := map[string]bool{}
	for _, row := range s.rows() {
		r := s.report(row.Place)
		if name := r.Object("model_version").Text("name"); name != row.Model || r.Object("registered_model").Text("name") != name {
			t.Errorf("the report of %q is about %q", row.Model, name)
		}
		found[row.Model] = true
	}
	for _, name := range hostileNames() {
		if !found[name] {
			t.Errorf("no report of %q", name)
		}
	}
	if got := s.types("plan", file, "--out", s.path("out")); got.code != exitOK || !strings.Contains(got.err, "unchanged") || strings.Contains(got.err, " new") {
		t.Errorf("again: %d %s", got.code, got.err)
	}
}

// outside lists what lies beside the tree, with contents.
func outside(t *testing.T, dir, tree string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == tree {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(dir, name))
			all[name] = string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// placesAreHarmless checks every name in the tree `out` against the rules of
// Windows, macOS and Linux at once.
func (u *user) placesAreHarmless() {
	u.Helper()
	device := regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$`)
	folded := map[string]string{}
	err := filepath.WalkDir(u.path("out"), func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case len(name) > 255, strings.ContainsAny(name, "\\:*?\"<>|"), strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' || r == '\u200b' || r == '\ufeff' }),
			strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, " "), device.MatchString(name), !d.IsDir() && !d.Type().IsRegular():
			u.Errorf("%q is no name for a file", path)
		}
		key := strings.ToLower(norm.NFC.String(path))
		if other, ok := folded[key]; ok {
			u.Errorf("%q and %q are one file on Windows and macOS", path, other)
		}
		folded[key] = path
		return nil
	})
	if err != nil {
		u.Fatal(err)
	}
}

// Links that somebody planted in the tree lead nowhere.
func TestLinksInTheTreeAreNotFollowed(t *testing.T) {
	for _, link := range []string{"model_reports", "model_reports/Sklearn_Wine", "model_reports/Sklearn_Wine/2", "model_reports/Sklearn_Wine/2/report.json", "model_reports/Sklearn_Wine/2/MLmodel", "index.json", "run.json", "mlflow_objects"} {
		t.Run(link, func(t *testing.T) {
			s := newSampleStore(t)
			file := s.manifest("{uri: models:/Sklearn_Wine/2, objects: true}", "models:/fraud_card_payments/3")
			if got := s.types("run", file, "--out", s.path("out")); got.code != exitOK {
				t.Fatal(got)
			}
			secret := s.writes("elsewhere/secret", "{}")
			target := secret
			if !strings.Contains(filepath.Base(link), ".json") && !strings.HasSuffix(link, "MLmodel") {
				target = filepath.Dir(secret)
			}
			if err := os.RemoveAll(s.path("out", link)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, s.path("out", link)); err != nil {
				t.Fatal(err)
			}
			s.sql("UPDATE registered_models SET description = 'another'")
			before := outside(t, s.dir, "out")
			got := s.types("run", file, "--out", s.path("out"))
			if d := cmp.Diff(before, outside(t, s.dir, "out")); d != "" {
				t.Errorf("exit code %d, written through the link:\n%s", got.code, d)
			}
			if got.code == exitOK {
				if info, err := os.Lstat(s.path("out", link)); err != nil || info.Mode()&fs.ModeSymlink != 0 {
					t.Errorf("the link is still there: %v", err)
				}
			} else if !strings.Contains(got.err, "hint: ") {
				t.Errorf("exit code %d: %s", got.code, got.err)
			}
		})
	}
}

// peak runs a batch in a process of its own and tells how much memory it took
// at most, in MB.
func (u *user) peak(args ...string) (said, int64) {
	u.Helper()
	c, sayings := u.starts(args...)
	if err := c.Start(); err != nil {
		u.Fatal(err)
	}
	got := sayings()
	return got, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
}

// Data that is made to fill the memory fails its own entry, in words.
func TestDataWithoutEndFailsItsOwnEntry(t *testing.T) {
	const anchors = "a: &a x\n" // each is a node of its own
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, c := range []struct {
		name, mlmodel, tag string
		said               string
	}{
		{name: "anchors by the million", mlmodel: "flavors: {}\nlist:\n" + strings.Repeat("- &a x\n", 2<<20), said: "mlmodel-too-large"},
		{name: "aliases by the million", mlmodel: "a: &a [x]\nlist:\n" + strings.Repeat("- *a\n", 2<<20), said: "mlmodel-too-large"},
		{name: "keys by the million", mlmodel: strings.Repeat(anchors, 1<<20), said: "mlmodel-too-large"},
		{name: "YAML of great depth", mlmodel: "a: " + deep, said: "mlmodel-"},
		{name: "a tag of great depth", tag: deep},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSampleStore(t)
			if c.mlmodel != "" {
				s.mlmodel(c.mlmodel)
			}
			if c.tag != "" {
				s.sql("INSERT INTO tags (key, value, run_uuid) VALUES ('deep', ?, ?)", c.tag, wineRun)
			}
			got, mb := s.peak("run", s.manifest("models:/Sklearn_Wine/2", "models:/fraud_card_payments/3"), "--out", s.path("out"))
			if got.code != exitOK || mb > 1000 || c.said != "" && !strings.HasPrefix(got.problems(), "partial models:/Sklearn_Wine/2: "+c.said) {
				t.Errorf("exit code %d, %d MB: %s", got.code, mb, got.err)
			}
			t.Logf("%d MB", mb)
			if rows := s.rows(); rows[1].Status != report.StatusOK {
				t.Error(s.statuses())
			}
			if c.tag != "" && s.report("Sklearn_Wine/2").Object("run").Object("data").Object("tags").Text("deep") != c.tag {
				t.Error("the tag is not shown as it is")
			}
		})
	}
}

// A server whose answers never end, or are 10,000 levels deep, fails what was
// asked of it and takes no memory for it.
func TestAnswersWithoutEndFailWhatWasAsked(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector needs several times the memory that is measured here")
	}
	fake := mlflowtest.StartFake(t, mlflowtest.SmallFakeWorld(), mlflowtest.FakeOptions{})
	for _, c := range []struct{ name, endpoint, said string }{
		{"runs", "/runs/", "too-large: run "},
		{"models", "/registered-models/", "too-large: "},
		{"files", "/mlflow-artifacts/artifacts/", "mlmodel-too-large: "},
	} {
		for _, kind := range []string{"endless", "deep"} {
			if kind == "deep" && c.name == "files" {
				continue
			}
			t.Run(kind+" "+c.name, func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch {
					case !strings.Contains(r.URL.Path, c.endpoint):
						fake.ServeHTTP(w, r)
					case kind == "deep":
						fmt.Fprint(w, `{"a": `+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"}")
					default:
						endless(w, 2<<30)
					}
				}))
				defer server.Close()
				s := &serverUser{newSampleStore(t), server.URL, fake}
				got, mb := s.peak("run", s.manifest("models:/wine/2", "models:/wine/1"), "--out", s.path("out"))
				if !strings.Contains(got.problems(), "models:/wine/2: "+c.said) || mb > 700 {
					t.Errorf("exit code %d, %d MB: %s", got.code, mb, got.err)
				}
				t.Logf("%d MB", mb)
				if rows := s.rows(); rows[len(rows)-1].Status != report.StatusOK || !mlflow.HasGap(rows[0].Issues) {
					t.Error(s.statuses())
				}
			})
		}
	}
}

// endless sends so many bytes of an answer that begins well, or as many as are
// taken.
func endless(w http.ResponseWriter, bytes int) {
	fmt.Fprint(w, `{"runs": [`)
	row := []byte(strings.Repeat(`{"info": {"run_id": "0"}},`, 40_000))
	for sent := 0; sent < bytes; sent += len(row) {
		if _, err := w.Write(row); err != nil {
			return
		}
	}
}
