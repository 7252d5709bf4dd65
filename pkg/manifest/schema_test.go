package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("manifest.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var errNoJSON = errors.New("the YAML is no JSON")

// judge says what the schema says of a manifest. errNoJSON: it cannot be asked.
func judge(s *jsonschema.Schema, manifest []byte) error {
	var v any
	if err := yaml.Unmarshal(manifest, &v); err != nil {
		return errNoJSON
	}
	data, err := json.Marshal(asText(v))
	if err != nil {
		return errNoJSON
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return errNoJSON
	}
	return s.Validate(doc)
}

// asText undoes the dates of yaml.v3, which are text for editors.
func asText(v any) any {
	switch v := v.(type) {
	case time.Time:
		if v.Equal(v.Truncate(24 * time.Hour)) {
			return v.Format(time.DateOnly)
		}
		return v.String()
	case map[string]any:
		for k := range v {
			v[k] = asText(v[k])
		}
	case []any:
		for i := range v {
			v[i] = asText(v[i])
		}
	}
	return v
}

func TestTheSchemaAcceptsWhatTheProgramAccepts(t *testing.T) {
	s := compiled(t)
	o := testOptions()
	o.ReadFile = func(string) ([]byte, error) { return []byte("x"), nil }
	env := o.LookupEnv
	o.LookupEnv = func(name string) (string, bool) {
		if v, ok := env(name); ok {
			return v, true
		}
		return "http://h", true
	}
	for _, path := range append(files(t, "testdata/valid/*.yaml"), files(t, "../../manifests/*.yaml")...) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o.File = path
		if _, err := Parse(data, o); err != nil {
			t.Error(err)
		}
		if err := judge(s, data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !bytes.HasPrefix(data, []byte("# yaml-language-server: $schema=")) && strings.HasPrefix(path, "../") {
			t.Errorf("%s: no modeline by which editors find the schema", path)
		}
	}
}

func TestTheSchemaRefusesMistakesOfStructure(t *testing.T) {
	s := compiled(t)
	for _, path := range files(t, "testdata/mistakes/*.txtar") {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := "accepts"
		switch err := judge(s, section(t, ar, "manifest.yaml").Data); {
		case errors.Is(err, errNoJSON):
			got = "none"
		case err != nil:
			got = "refuses"
		}
		_, want, _ := strings.Cut(strings.TrimSpace(string(ar.Comment)), "schema: ")
		if want != "none" && got != want {
			t.Errorf("%s: the schema %s, want %s", path, got, want)
		}
	}
}

// Each single mistake of structure is refused by both.
func TestTheSchemaAndTheProgramAgree(t *testing.T) {
	s := compiled(t)
	const head, tail = "version: 1\nhosts: {a: {tracking: http://h", "}}\nmodels: [models:/a/1]\n"
	for _, c := range []struct {
		manifest string
		good     bool
	}{
		{head + tail, true},
		{head + ", limits: {in-flight: 1}" + tail, true},
		{head + ", limits: {in-flight: 0}" + tail, false},
		{head + ", limits: {in-flight: '1'}" + tail, false},
		{head + ", limits: {in-flight: '${env:FOUR}'}" + tail, true},
		{head + ", limits: {requests-per-second: 0}" + tail, false},
		{head + ", limits: {timeout: 0}" + tail, false},
		{head + ", limits: {timeout: [1]}" + tail, false},
		{head + ", auth: {}" + tail, true},
		{head + ", auth: {username: a}" + tail, false},
		{head + ", auth: {username: a, password: b}" + tail, false},
		{head + ", auth: {username: a, password: '${env:FOUR}'}" + tail, true},
		{head + ", auth: {token: b}" + tail, false},
		{head + ", auth: {token: '${env:FOUR}', username: a, password: '${env:FOUR}'}" + tail, false},
		{head + ", auth: {profile: p, token: '${env:FOUR}'}" + tail, false},
		{head + ", auth: {client-id: p}" + tail, false},
		{head + ", auth: {aws-sigv4: true}" + tail, true},
		{head + ", auth: {aws-sigv4: true, profile: p, region: eu-west-1}" + tail, true},
		{head + ", auth: {aws-sigv4: true, token: '${env:FOUR}'}" + tail, false},
		{head + ", auth: {region: eu-west-1}" + tail, false},
		{"version: 1\nhosts: {a: {tracking: http://h}, b: {tracking: http://i}}\nmodels: [{uri: models:/a/1, host: [a, b]}]", true},
		{"version: 1\nhosts: {a: {tracking: http://h}, b: {tracking: http://i}}\nmodels: [{uri: models:/a/1, host: '*'}]", true},
		{"version: 1\nhosts: {a: {tracking: http://h}, b: {tracking: http://i}}\nmodels: [{uri: models:/a/1, host: []}]", false},
		{"version: 1\nhosts: {a: {tracking: http://h}, b: {tracking: http://i}}\nmodels: [{uri: models:/a/1, host: [a, '*']}]", false},
		{head + ", headers: {'a b': x}" + tail, false},
		{head + ", headers: {a: 1}" + tail, false},
		{head + ", headers: {a: ''}" + tail, false},
		{head + ", artifact-roots: {'': x}" + tail, false},
		{head + ", artifact-roots: {'x': }" + tail, false},
		{head + ", ui: ''" + tail, false},
		{head + ", tls: {insecure: 1}" + tail, false},
		{head + ", tracing: x" + tail, false},
		{"version: 1\nhosts: {}\nmodels: [models:/a/1]", false},
		{"version: 1\nhosts: {'*': {tracking: http://h}}\nmodels: [models:/a/1]", false},
		{"version: 1\nhosts: {'': {tracking: http://h}}\nmodels: [models:/a/1]", false},
		{"version: 1\nhosts: {a: {}}\nmodels: [models:/a/1]", false},
		{"version: 2\nmodels: [models:/a/1]", false},
		{"models: [models:/a/1]", false},
		{"version: 1", false},
		{"version: 1\nmodels: []", false},
		{"version: 1\nmodels: ['']", false},
		{"version: 1\nmodels: [{}]", false},
		{"version: 1\nmodels: [{uri: models:/a/1, select: {models: a, versions: all}}]", false},
		{"version: 1\nmodels: [{select: {models: a, versions: all}, name: x}]", false},
		{"version: 1\nmodels: [{select: {models: a, versions: all}}]", true},
		{"version: 1\nmodels: [{select: {models: a, versions: '${env:ALL}'}}]", true},
		{"version: 1\nmodels: [{select: {models: a, versions: 'latest:0'}}]", false},
		{"version: 1\nmodels: [{select: {models: a, versions: 'latest:05'}}]", true},
		{"version: 1\nmodels: [{select: {models: a, versions: 'alias: '}}]", false},
		{"version: 1\nmodels: [{select: {models: a, versions: 'alias: a '}}]", true},
		{"version: 1\nmodels: [{select: {models: a, versions: newest}}]", false},
		{"version: 1\nmodels: [{select: {models: a}}]", false},
		{"version: 1\nmodels: [{select: {models: a, versions: all, filter: x}}]", true},
		{"version: 1\nmodels: [{select: {filter: x, versions: 'filter:y', exclude: a}}]", true},
		{"version: 1\nmodels: [{select: {filter: x}}]", false},
		{"version: 1\nmodels: [{select: {experiments: x}}]", true},
		{"version: 1\nmodels: [{select: {runs: x, exclude: [a, b]}}]", true},
		{"version: 1\nmodels: [{select: {runs: x, filter: y}}]", false},
		{"version: 1\nmodels: [{select: {runs: x, models: y, versions: all}}]", false},
		{"version: 1\nmodels: [{select: {logged-models: x, experiments: y, filter: z}}]", true},
		{"version: 1\nmodels: [{select: {logged-models: x, versions: all}}]", false},
		{"version: 1\nmodels: [{select: {models: x, versions: all, exclude: '*'}}]", false},
		{"version: 1\nmodels: [{uri: models:/a/1, allow-empty: true}]", false},
		{"version: 1\nmodels: [{uri: models:/a/1, permissions: true, serving: true, table-lineage: false}]", true},
		{"version: 1\nmodels: [{uri: models:/a/1, serving: yes please}]", false},
		{"version: 1\nmodels: [{uri: models:/a/1, permissions: false}]", true},
		{"version: 1\nmodels: [{uri: models:/a/1, artifact-max-level: -1}]", false},
		{"version: 1\nmodels: [{uri: models:/a/1, artifact-max-level: most}]", false},
		{"version: 1\ndefaults: {name: a}\nmodels: [models:/a/1]", false},
		{"version: 1\ndefaults: {}\nmodels: [models:/a/1]", true},
		{"version: 1\ninclude: []\nmodels: [models:/a/1]", false},
		{"version: 1\ncoverage: true\nmax-shrink: true\nmodels: [models:/a/1]", true},
		{"version: 1\nmax-shrink: 100\nmodels: [models:/a/1]", false},
		{"version: 1\nknown-issues: []\nmodels: [models:/a/1]", true},
		{"version: 1\nknown-issues: {}\nmodels: [models:/a/1]", false},
		{"version: 1\nknown-issues: [{entry: a, code: denied, reason: x}]\nmodels: [models:/a/1]", true},
		{"version: 1\nknown-issues: [{entry: a, code: denied, reason: x, until: 2027-01-31}]\nmodels: [models:/a/1]", true},
		{"version: 1\nknown-issues: [{entry: a, code: denied, reason: x, until: '2027-01-31'}]\nmodels: [models:/a/1]", true},
		{"version: 1\nknown-issues: [{entry: a, code: denied, reason: x, until: 2027-01}]\nmodels: [models:/a/1]", false},
		{"version: 1\nknown-issues: [{entry: a, code: odd, reason: x}]\nmodels: [models:/a/1]", false},
		{"version: 1\nknown-issues: [{entry: a, code: denied}]\nmodels: [models:/a/1]", false},
		{"version: 1\nmax-shrink: 5\nmodels: [models:/a/1]", true},
	} {
		o := Options{LookupEnv: func(n string) (string, bool) { return map[string]string{"FOUR": "4", "ALL": "all"}[n], true }}
		_, err := Parse([]byte(c.manifest), o)
		if (err == nil) != c.good {
			t.Errorf("%s: the program says %v", c.manifest, err)
		}
		if err := judge(s, []byte(c.manifest)); (err == nil) != c.good {
			t.Errorf("%s: the schema says %v", c.manifest, err)
		}
	}
}

// node is what this test needs of a JSON Schema.
type node struct {
	Ref                  string `json:"$ref"`
	Title, Description   string
	Properties           map[string]*node
	AdditionalProperties json.RawMessage
	Definitions          map[string]*node
	Items                *node
}

// The keys that the program knows are those of the schema, and each is
// explained, for editors show it.
func TestTheSchemaHasTheKeysOfTheProgram(t *testing.T) {
	var root node
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	host, entry, sel := root.Definitions["host"], root.Definitions["entry"], root.Definitions["select"]
	p := &parser{}
	for name, c := range map[string]struct {
		schema *node
		keys   []key
	}{
		"manifest": {&root, p.rootKeys(&draft{})},
		"host":     {host, p.hostKeys(&hostDraft{})},
		"auth":     {host.Properties["auth"], p.authKeys(&Auth{}, nil)},
		"tls":      {host.Properties["tls"], p.tlsKeys(&TLS{})},
		"limits":   {host.Properties["limits"], p.limitsKeys(&Limits{})},
		"defaults": {root.Properties["defaults"], p.settingsKeys(&settings{})},
		"entry":    {entry, p.entryKeys(&entryDraft{})},
		"known":    {root.Definitions["known-issue"], p.knownKeys(&KnownIssue{}, map[string]bool{})},
		"select":   {sel, p.selectKeys(&Select{}, map[string]bool{})},
	} {
		var want, got []string
		for _, k := range c.keys {
			want = append(want, k.name)
		}
		for k, n := range c.schema.Properties {
			got = append(got, k)
			if n.Ref == "" && (n.Title == "" || n.Description == "") {
				t.Errorf("%s.%s: no title or no description", name, k)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if string(c.schema.AdditionalProperties) != "false" {
			t.Errorf("%s: other keys are not refused", name)
		}
	}
}

// Whatever the bytes: no panic; mistakes name places; nothing that was filled
// in shows; and what is accepted is what the schema accepts.
func FuzzManifest(f *testing.F) {
	for _, path := range files(f, "testdata/valid/*.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, path := range files(f, "testdata/mistakes/*.txtar") {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(section(f, ar, "manifest.yaml").Data)
	}
	s := compiled(f)
	const secret = "5ecret-5ecret"
	o := Options{
		File:      "m.yaml",
		Dir:       "/d",
		LookupEnv: func(string) (string, bool) { return secret, true },
		ReadFile:  func(string) ([]byte, error) { return []byte(secret), nil },
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte(secret)) {
			return
		}
		m, err := Parse(data, o)
		if err != nil {
			checkMistakes(t, data, err, secret)
			return
		}
		if len(m.Entries) == 0 {
			t.Error("nothing to do")
		}
		for _, e := range m.Entries {
			if len(m.Hosts) > 0 && m.Host(e.Host) == nil {
				t.Errorf("entry %d has no host", e.Index)
			}
			if (e.Select == nil) == (e.URI == "") || e.Select == nil && e.Ref.Kind == 0 {
				t.Errorf("entry %d is %+v", e.Index, e)
			}
		}
		if err := judge(s, data); err != nil && !errors.Is(err, errNoJSON) {
			t.Errorf("the schema says %v", err)
		}
	})
}

func checkMistakes(t *testing.T, data []byte, err error, secret string) {
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) == 0 {
		t.Fatalf("%T %v", err, err)
	}
	for _, m := range mistakes {
		if m.Line < 1 || m.Column < 1 || m.Line > countLines(data) {
			t.Errorf("%v: no such place", m)
		}
		if strings.Contains(m.Message+m.Hint, secret) {
			t.Errorf("%v (%s) shows what was filled in", m, m.Hint)
		}
	}
}
