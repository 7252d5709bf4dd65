//go:build unix

package main

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlreport/mlreport/internal/mlflowtest"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// commandsShowEachObject asks for every object of the world with the command
// that shows it, through both doors.
func (d *doors) commandsShowEachObject(t *testing.T) {
	schema, err := mlflowtest.NewReportSchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, door := range []string{d.URL, d.tracking()} {
		c := &commands{doors: d, t: t, schema: schema, tracking: door}
		c.runs()
		c.experiments()
		c.registry()
		c.loggedModels()
		if c.shown < 200 {
			t.Errorf("only %d commands were run", c.shown)
		}
	}
}

// lacks tells whether this MLflow could not make something of the world.
func (d *doors) lacks(what string) bool {
	return slices.ContainsFunc(d.IDs.Skipped, func(s string) bool { return strings.HasPrefix(s, what+": ") })
}

// commands run the commands for single objects on one store.
type commands struct {
	*doors
	t        *testing.T
	schema   *mlflowtest.ReportSchema
	tracking string
	shown    int
}

// show runs a command and wants it to show the object, or, when there is none,
// nothing but an error. It returns what was printed.
func (c *commands) show(there bool, name string, args ...string) string {
	c.t.Helper()
	line := append([]string{name, "--tracking-uri", c.tracking}, args...)
	stdout, stderr, code := command(c.t, c.t.TempDir(), nil, line...)
	c.shown++
	switch {
	case !there && (code != exitFatal || stdout != "" || !strings.HasPrefix(stderr, "mlreport: error: ")):
		c.t.Errorf("%q: exit code %d, stdout %q, stderr %q, want an error alone", line, code, stdout, stderr)
	case there && code != exitOK:
		c.t.Errorf("%q: exit code %d: %s", line, code, stderr)
	case there && !slices.Contains(args, "--get-raw"):
		if err := c.validate(name, stdout); err != nil {
			c.t.Errorf("%q: %v", line, err)
		}
	case there:
		if _, err := mlflow.DecodeStrict(stdout); err != nil || !strings.HasSuffix(stdout, "}\n") {
			c.t.Errorf("%q: not one JSON object: %v", line, err)
		}
	}
	return stdout
}

func (c *commands) validate(name, stdout string) error {
	if name == "get-mlflow-model-wide" {
		return c.schema.Validate([]byte(stdout))
	}
	return c.schema.ValidateDocument(name, []byte(stdout))
}

func (c *commands) runs() {
	for _, id := range slices.Sorted(maps.Values(c.IDs.Runs)) {
		c.show(true, "get-run", "--run-id", id)
		raw := c.show(true, "get-run", "--run-id", id, "--get-raw")
		if c.tracking == c.URL {
			if said := c.answer("runs/get?run_id=" + id); compact(raw) != compact(said) {
				c.t.Errorf("get-run --get-raw of %s:\n%s\nthe server:\n%s", id, compact(raw), compact(said))
			}
		}
	}
	c.show(true, "get-run", "--run-id", c.IDs.Runs["wine-5"], "--artifact-max-level", "9")
	c.show(false, "get-run", "--run-id", strings.Repeat("0", 32))
	c.show(false, "get-run", "--run-id", "it's none")
}

// answer is what the server answers.
func (c *commands) answer(path string) string {
	c.t.Helper()
	r, err := http.Get(c.URL + "/api/2.0/mlflow/" + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

// compact takes the white space between the tokens out of JSON text, and
// leaves all else as it is.
func compact(text string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case inside && ch == '\\':
			b.WriteByte(ch)
			i++
			ch = text[i]
			b.WriteByte(ch)
			continue
		case ch == '"':
			inside = !inside
		case !inside && strings.IndexByte(" \t\r\n", ch) >= 0:
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func (c *commands) experiments() {
	for _, id := range append(slices.Sorted(maps.Values(c.IDs.Experiments)), "0") {
		shown := c.show(true, "get-experiment", "--experiment-id-or-name", id)
		v, _ := mlflow.DecodeStrict(shown)
		o, _ := v.(*mlflow.Object)
		name := o.Object("experiment").Text("name")
		if byName := c.show(true, "get-experiment", "--experiment-id-or-name", name); byName != shown {
			c.t.Errorf("experiment %q by name:\n%s\nby id:\n%s", name, byName, shown)
		}
		c.show(true, "get-experiment", "--experiment-id-or-name", id, "--get-runs")
		c.show(true, "get-experiment", "--experiment-id-or-name", id, "--get-runs", "--get-raw")
	}
	for _, none := range []string{"987654", "no such", strings.Repeat("9", 20), "abc"} {
		c.show(false, "get-experiment", "--experiment-id-or-name", none)
	}
}

func (c *commands) registry() {
	models := map[string]bool{"empty_model": true, "only deleted": true}
	for _, id := range c.IDs.Keys().Versions {
		if id.Model == "greeting" && c.lacks("prompts") {
			continue
		}
		deleted := id.Model == "eleven" && id.Version == 5 || id.Model == "only deleted"
		n := strconv.FormatInt(id.Version, 10)
		c.show(!deleted, "get-model-version", "--registered-model", id.Model, "--version", n, "--get-run")
		if ref, err := mlflow.ParseRef("models:/" + id.Model + "/" + n); err == nil && ref.Model == id.Model {
			c.show(!deleted, "get-mlflow-model-wide", "--model-uri", ref.String())
			c.show(!deleted && !slices.Contains(unreadable(), id.Model), "get-mlflow-model", "--model-uri", ref.String())
		}
		models[id.Model] = true
	}
	for name := range models {
		c.show(true, "get-registered-model", "--registered-model", name, "--get-run")
	}
	for name, there := range map[string]bool{"empty_model": false, "only deleted": false, "eleven": true, "Sklearn_Wine": true, "it's \"quoted\"": true} {
		c.show(there, "get-model-version", "--registered-model", name, "--version", "latest", "--get-raw")
		c.show(true, "get-registered-model", "--registered-model", name, "--get-raw")
	}
	aliases := !c.lacks("alias")
	c.show(aliases, "get-model-version", "--registered-model", "Sklearn_Wine", "--version", "previous-champion")
	c.show(aliases, "get-model-version", "--registered-model", "café 😀", "--version", "@prüfung")
	c.show(aliases, "get-mlflow-model", "--model-uri", "models:/Sklearn_Wine@champion", "--get-run")
	c.show(true, "get-mlflow-model", "--model-uri", "runs:/"+c.IDs.Runs["wine-10"]+"/model")
	c.show(true, "get-mlflow-model", "--model-uri", "models:/eleven/Production")
	for _, none := range []string{"nowhere", "before renaming", "a'b", url.QueryEscape("with blank")} {
		c.show(false, "get-registered-model", "--registered-model", none)
		c.show(false, "get-model-version", "--registered-model", none, "--version", "1")
		c.show(false, "get-mlflow-model-wide", "--model-uri", "models:/"+none+"/1")
	}
	c.show(false, "get-model-version", "--registered-model", "Sklearn_Wine", "--version", "nobody")
}

// unreadable lists the models whose versions have no MLmodel file that can be
// read.
func unreadable() []string {
	return []string{"not_yaml_model", "text_model", "empty_mlmodel", "missing_artifacts", "no_mlmodel", "no run \u2603", "greeting"}
}

func (c *commands) loggedModels() {
	for name, id := range c.IDs.LoggedModels {
		there := name != "deleted-model"
		c.show(there, "get-logged-model", "--model-id", id)
		c.show(there, "get-logged-model", "--model-id", id, "--get-raw")
		c.show(there, "get-mlflow-model-wide", "--model-uri", "models:/"+id)
	}
	c.show(false, "get-logged-model", "--model-id", "m-"+strings.Repeat("0", 32))
	c.show(false, "get-logged-model", "--model-id", "a/b")
}
