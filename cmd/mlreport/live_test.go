//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/internal/mlflowtest"
)

// A liveStore is a real server whose models change while reports are made.
type liveStore struct {
	*testing.T
	server *mlflowtest.Server
	random *rand.Rand
	names  []string
}

// call asks the server for a change; one that it refuses changes nothing.
func (l *liveStore) call(method, endpoint string, body map[string]string) {
	l.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		l.Fatal(err)
	}
	r, err := http.NewRequestWithContext(l.Context(), method, l.server.URL+"/api/2.0/mlflow/"+endpoint, bytes.NewReader(data))
	if err != nil {
		l.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	l.Logf("%s %s %s: %d %.80s", method, endpoint, data, answer.StatusCode, text)
}

// change makes one change of a random kind.
func (l *liveStore) change() {
	i := l.random.IntN(len(l.names))
	name, version, text := l.names[i], "1", strconv.Itoa(l.random.Int())
	switch l.random.IntN(7) {
	case 0:
		l.call("POST", "registered-models/alias", map[string]string{"name": name, "alias": "moving", "version": version})
	case 1:
		l.call("POST", "model-versions/set-tag", map[string]string{"name": name, "version": version, "key": "k", "value": text})
	case 2:
		l.call("POST", "registered-models/set-tag", map[string]string{"name": name, "key": "owner", "value": text})
	case 3:
		l.call("PATCH", "model-versions/update", map[string]string{"name": name, "version": version, "description": text})
	case 4:
		l.call("DELETE", "model-versions/delete", map[string]string{"name": name, "version": version})
	case 5:
		l.call("POST", "registered-models/rename", map[string]string{"name": name, "new_name": name + "+"})
		l.names[i] = name + "+"
	case 6:
		l.call("POST", "model-versions/create", map[string]string{"name": name, "source": "s3://bucket/" + text})
	}
}

// A batch that reads only what can have changed leaves what a batch that reads
// everything makes, over REST, on the database and on the folder, whatever
// happened before.
func TestABatchAfterChangesIsEqualToAFreshOne(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers are slow")
	}
	for _, backend := range []string{"sqlite", "folder"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			l := &liveStore{T: t, server: mlflowtest.World(t, mlflowtest.MLflow3, backend), random: rand.New(rand.NewPCG(seed, 0)), names: []string{"Sklearn_Wine", "diabetes", "greeting", "eleven"}}
			l.changesAndBatches()
		})
	}
}

func (l *liveStore) changesAndBatches() {
	dir := l.TempDir()
	doors := map[string]string{"rest": "tracking: " + l.server.URL}
	if l.server.Database != "" {
		doors["database"] = fmt.Sprintf("tracking: sqlite:///%s\n    artifact-roots: {\"mlflow-artifacts:/\": %q}", l.server.Database, l.server.Artifacts)
	} else {
		doors["folder"] = fmt.Sprintf("tracking: %q\n    artifact-roots: {\"mlflow-artifacts:/\": %q}", l.server.Folder, l.server.Artifacts)
	}
	for name, host := range doors {
		text := "version: 1\nhosts:\n  h:\n    " + host + "\n    ui: https://mlflow.example\ndefaults: {artifact-max-level: all, objects: true}\nmodels:\n  - select: {models: \"*\", versions: all}\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			l.Fatal(err)
		}
	}
	for range 5 {
		for name := range doors {
			l.batch(dir, name, "again")
			if name == "database" { // of which the next batch sees, once it was left alone, that it is as it was
				time.Sleep(3 * time.Second)
				l.batch(dir, name, "again")
				l.batch(dir, name, "again")
			}
			fresh := filepath.Join(dir, "fresh")
			if err := os.RemoveAll(fresh); err != nil {
				l.Fatal(err)
			}
			l.batch(dir, name, "fresh")
			if diff := cmp.Diff(living(l.T, fresh), living(l.T, filepath.Join(dir, name+" again"))); diff != "" {
				l.Errorf("%s: fresh (-) and after changes (+) differ:\n%s", name, diff)
			}
		}
		for range 4 {
			l.change()
		}
	}
}

// batch runs a batch into its own folder of the door, or into one that is new.
func (l *liveStore) batch(dir, door, kind string) {
	l.Helper()
	out := kind
	if kind == "again" {
		out = door + " again"
	}
	_, stderr, code := command(l.T, dir, map[string]string{"SOURCE_DATE_EPOCH": "1790000000"}, "-q", "run", filepath.Join(dir, door+".yaml"), "--out", filepath.Join(dir, out))
	if code != exitOK {
		l.Fatalf("%s %s: exit code %d: %s", door, kind, code, stderr)
	}
}

// living is a tree without what only its past can tell: models that are gone,
// and sections that reports once had.
func living(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := readTree(t, dir)
	kept, lostMember := map[string]bool{}, regexp.MustCompile(`"lost":\[[^\]]*\],`)
	var rows []string
	for line := range strings.Lines(files["index.json"]) {
		var row struct {
			Status string
			Files  []struct{ Path string }
		}
		if err := json.Unmarshal([]byte(strings.TrimRight(line, ",]\n")), &row); err != nil {
			continue // what is no row
		}
		if row.Status != "gone" {
			rows = append(rows, lostMember.ReplaceAllString(strings.TrimRight(line, ",]\n"), ""))
			for _, f := range row.Files {
				kept[f.Path] = true
			}
		}
	}
	slices.Sort(rows)
	maps.DeleteFunc(files, func(name, _ string) bool { return !kept[name] })
	files["rows"] = strings.Join(rows, "\n")
	if len(rows) == 0 {
		t.Fatal("the index has no rows")
	}
	return files
}
