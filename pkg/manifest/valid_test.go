package manifest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// testOptions serve what the valid manifests fill in.
func testOptions() Options {
	env := map[string]string{"SECRET": "s3cret", "CERT": "cert.pem", "TRUE": "true", "FALSE": "false", "FOUR": "4", "OTHER": "other", "REGISTRY": ""}
	return Options{
		File:      "m.yaml",
		Dir:       "/home/me/100%41",
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			if path != "/home/me/100%41/secrets/password" {
				return nil, fmt.Errorf("asked for %s", path)
			}
			return []byte("two\nlines: [x\n\n"), nil
		},
	}
}

func parse(t *testing.T, o Options, lines ...string) *Manifest {
	t.Helper()
	m, err := Parse([]byte(strings.Join(lines, "\n")), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReadsEveryKey(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/all-keys.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.ReadFile = func(string) ([]byte, error) { return []byte("pass word\r\n"), nil }
	got, err := Parse(data, o)
	if err != nil {
		t.Fatal(err)
	}
	const dir = "/home/me/100%41"
	want := &Manifest{
		Format: "both", DefaultHost: "prod",
		Hosts: []Host{{
			Name:          "prod",
			Tracking:      "https://mlflow.example.org/mlflow",
			Source:        "https://mlflow.example.org/mlflow",
			Registry:      "https://registry.example.org",
			UI:            "https://mlflow.example.org/web",
			Workspace:     "team-a",
			ArtifactRoots: map[string]string{"mlflow-artifacts:/": "/home/me/samples/my store", "file:///C:/Users/x/mlruns": "/data/x", "s3://bucket": dir + "/bucket"},
			Headers:       map[string]string{"X-Team": "a", "Authorization": "Basic s3cret"},
			Auth:          Auth{Username: "me", Password: "pass word"},
			TLS:           TLS{CA: dir + "/ca.pem", ClientCert: "cert.pem"},
			Limits:        Limits{InFlight: 4, RequestsPerSecond: 2.5, Timeout: 90 * time.Second},
		}, {
			Name:     "token",
			Tracking: "http://h:5000", Source: "http://h:5000", Registry: "http://h:5000",
			Auth:   Auth{Token: "s3crets3cret"},
			TLS:    TLS{Insecure: true},
			Limits: Limits{InFlight: 4, RequestsPerSecond: 4, Timeout: 4 * time.Second},
		}, {
			Name:     "other",
			Tracking: "sqlite:///" + dir + "/my store.db?mode=ro", Source: "sqlite:///my store.db", Registry: "sqlite:///" + dir + "/my store.db?mode=ro",
			Limits: Limits{RequestsPerSecond: 1, Timeout: time.Second / 2},
		}},
		Entries: []Entry{
			{Line: 24, Column: 5, URI: "models:/wine/2", Ref: mlflow.Ref{Kind: mlflow.VersionRef, Model: "wine", Version: 2}, Host: "prod", ArtifactMaxLevel: AllLevels, Objects: true, Copy: Copy{Evidence: true}, Environment: true},
			{Line: 25, Column: 5, URI: "models:/wine@champion", Ref: mlflow.Ref{Kind: mlflow.AliasRef, Model: "wine", Alias: "champion"}, Name: "wine champion", Host: "token", MetricHistory: 100, Environment: true, Owner: "Retail Risk <risk@bank.example>"},
			{Line: 36, Column: 5, URI: "models:/m-0123456789abcdef0123456789abcdef", Ref: mlflow.Ref{Kind: mlflow.LoggedModelRef, ModelID: "m-0123456789abcdef0123456789abcdef"}, Host: "other", Objects: true, MetricHistory: AllLevels, Environment: true,
				Copy: Copy{Patterns: []Pattern{pattern(t, "*.txt"), pattern(t, "run/plots/*.png")}}},
			{Line: 37, Column: 5, URI: "runs:/0123456789abcdef0123456789abcdef/model", Ref: mlflow.Ref{Kind: mlflow.RunRef, RunID: "0123456789abcdef0123456789abcdef", Path: "model"}, Host: "prod", ArtifactMaxLevel: 4, Objects: true, Copy: Copy{Evidence: true}, MetricHistory: 4},
			location(38, "./my model", "/home/me/100%2541/my model", "local"),
			location(39, "file:m%20n", "file:///home/me/100%2541/m%20n", "file"),
			location(40, `C:\x\model`, `C:\x\model`, "windows"),
			location(41, "mlflow-artifacts:/1/0123/artifacts/model", "mlflow-artifacts:/1/0123/artifacts/model", "2024-01-01"),
			location(42, "https://h/api/2.0/mlflow-artifacts/artifacts/1/x", "https://h/api/2.0/mlflow-artifacts/artifacts/1/x", "http"),
			{Line: 43, Column: 5, Select: &Select{Models: pattern(t, `fraud\*_*`), Versions: VersionSelector{Kind: LatestVersions, N: 3}, AllowEmpty: true}, Host: "prod", ArtifactMaxLevel: 2, Objects: true, Copy: Copy{Evidence: true}, Environment: true},
			{Line: 44, Column: 5, Select: &Select{Models: pattern(t, "*"), Versions: VersionSelector{Kind: StageVersions, Name: "Production"}}, Host: "prod", ArtifactMaxLevel: AllLevels, Objects: true, Copy: Copy{Evidence: true}, Environment: true},
			{Line: 45, Column: 5, URI: "models:/$${env:A}/${env:FOUR}", Ref: mlflow.Ref{Kind: mlflow.VersionRef, Model: "${env:A}", Version: 4}, Host: "prod", ArtifactMaxLevel: AllLevels, Objects: true, Copy: Copy{Evidence: true}, Environment: true},
		},
	}
	want.KnownIssues = []KnownIssue{
		{File: "m.yaml", Line: 48, Entry: pattern(t, "models:/wine/*"), Code: mlflow.ArtifactMissing, Reason: "files were lost in 2024", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), end: 12},
		{File: "m.yaml", Line: 49, Entry: pattern(t, "other"), Code: mlflow.Denied, Reason: "not ours", end: 12},
	}
	for i := range want.Entries {
		want.Entries[i].Index, want.Entries[i].DefaultOwner = i, "platform"
		want.Entries[i].Lineage, want.Entries[i].Markdown = true, i != 1
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Pattern{}, part{}, KnownIssue{})); diff != "" {
		t.Error(diff)
	}
	if s := got.Entries[9].Select.String(); s != `models: fraud\*_*, versions: latest:3` {
		t.Error(s)
	}
}

func location(line int, uri, at, name string) Entry {
	return Entry{Line: line, Column: 5, URI: uri, Ref: mlflow.Ref{Kind: mlflow.LocationRef, Location: at}, Name: name, Host: "prod", ArtifactMaxLevel: AllLevels, Objects: true, Copy: Copy{Evidence: true}, Environment: true}
}

func pattern(t *testing.T, text string) Pattern {
	t.Helper()
	p, err := ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWithoutHostsTheEnvironmentSaysWhichStore(t *testing.T) {
	m := parse(t, Options{}, "version: 1", "models: [models:/a/1]")
	if len(m.Hosts) != 0 || m.DefaultHost != "" || m.Entries[0].Host != "" {
		t.Errorf("%+v", m)
	}
}

func TestTheOnlyHostIsTheDefault(t *testing.T) {
	m := parse(t, Options{}, "version: 1", "hosts: {a: {tracking: http://a}}", "models: [models:/a/1]")
	if m.DefaultHost != "a" || m.Entries[0].Host != "a" || m.Host("a") == nil || m.Host("b") != nil {
		t.Errorf("%+v", m)
	}
}

func TestSeveralHostsNeedNoDefaultWhenEachEntryNamesOne(t *testing.T) {
	m := parse(t, Options{}, "version: 1", "hosts: {b: {tracking: http://b}, a: {tracking: http://a}}", "models: [{uri: models:/a/1, host: a}]")
	if m.DefaultHost != "" || m.Entries[0].Host != "a" || m.Hosts[0].Name != "b" {
		t.Errorf("%+v", m)
	}
}

func TestRelativePathsAreRelativeToTheManifest(t *testing.T) {
	env := map[string]string{"REL": "rel", "DB": "sqlite:///rel.db", "FILE": "file:rel", "ABS": "/abs"}
	for _, c := range []struct{ written, dir, here string }{
		{"./mlruns", "/d%25 e/mlruns", "./mlruns"},
		{"mlruns", "/d%25 e/mlruns", "mlruns"},
		{"../x%20y/", "/x%20y", "../x%20y/"},
		{"/abs/x", "/abs/x", "/abs/x"},
		{`C:\x\mlruns`, `C:\x\mlruns`, `C:\x\mlruns`},
		{"C:/x/mlruns", "C:/x/mlruns", "C:/x/mlruns"},
		{`\\server\x`, `\\server\x`, `\\server\x`},
		{"file:./mlruns", "file:///d%25 e/mlruns", "file:./mlruns"},
		{"file:mlruns", "file:///d%25 e/mlruns", "file:mlruns"},
		{"file:///abs", "file:///abs", "file:///abs"},
		{"file:C:/x", "file:C:/x", "file:C:/x"},
		{"file://localhost/abs", "file://localhost/abs", "file://localhost/abs"},
		{"sqlite:///m.db", "sqlite:////d% e/m.db", "sqlite:///m.db"},
		{"sqlite:///../m.db?mode=ro", "sqlite:////m.db?mode=ro", "sqlite:///../m.db?mode=ro"},
		{"sqlite+pysqlite:///m.db", "sqlite+pysqlite:////d% e/m.db", "sqlite+pysqlite:///m.db"},
		{"sqlite:////abs/m.db", "sqlite:////abs/m.db", "sqlite:////abs/m.db"},
		{`sqlite:///C:\x\m.db`, `sqlite:///C:\x\m.db`, `sqlite:///C:\x\m.db`},
		{"sqlite:///C:/x/m.db", "sqlite:///C:/x/m.db", "sqlite:///C:/x/m.db"},
		{"http://h/x", "http://h/x", "http://h/x"},
		// From the environment: relative to the current folder.
		{"${env:REL}", "rel", "rel"},
		{"${env:DB}", "sqlite:///rel.db", "sqlite:///rel.db"},
		{"${env:FILE}", "file:rel", "file:rel"},
		{"sqlite:///${env:REL}", "sqlite:///rel", "sqlite:///rel"},
		{"${env:ABS}", "/abs", "/abs"},
		// Partly written in the manifest, or in a file beside it.
		{"${env:REL}/x", "/d%25 e/rel/x", "rel/x"},
		{"sqlite:///x/${env:REL}", "sqlite:////d% e/x/rel", "sqlite:///x/rel"},
		{"${env:UNSET:-rel}", "/d%25 e/rel", "rel"},
		{"${file:uri}", "/d%25 e/from-file", "from-file"},
	} {
		for _, dir := range []string{"/d% e", ""} {
			o := Options{
				Dir:       dir,
				LookupEnv: func(n string) (string, bool) { v, ok := env[n]; return v, ok },
				ReadFile:  func(string) ([]byte, error) { return []byte("from-file"), nil },
			}
			want := c.dir
			if dir == "" {
				want = c.here
			}
			m := parse(t, o, "version: 1", "hosts: {a: {tracking: '"+c.written+"'}}", "models: [models:/a/1]")
			if m.Hosts[0].Tracking != want {
				t.Errorf("%s in %q: %s, want %s", c.written, dir, m.Hosts[0].Tracking, want)
			}
			if m.Hosts[0].Source != mlflow.Redact(c.here) {
				t.Errorf("%s in %q: source %s", c.written, dir, m.Hosts[0].Source)
			}
		}
	}
}

func TestFoldersOfArtifactsArePlainPaths(t *testing.T) {
	for written, want := range map[string]string{
		"x%20y": "/d/x y", "file:x": "/d/x", "file:///x%20y": "/x y", "/x": "/x", "C:/x%20y": "C:/x y", "${env:REL}": "rel",
	} {
		o := Options{Dir: "/d", LookupEnv: func(string) (string, bool) { return "rel", true }}
		m := parse(t, o, "version: 1", "hosts: {a: {tracking: http://h, artifact-roots: {'mlflow-artifacts:/': '"+written+"'}}}", "models: [models:/a/1]")
		if got := m.Hosts[0].ArtifactRoots["mlflow-artifacts:/"]; got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
}

func TestWhatIsFilledInIsNothingButText(t *testing.T) {
	hostile := "x\", host: b}\n- models:/b/1 # ${env:OTHER} $${ *a !!int 1"
	o := Options{LookupEnv: func(n string) (string, bool) { return hostile, n == "HOSTILE" }}
	m := parse(t, o, "version: 1", "models:", "  - {uri: \"models:/${env:HOSTILE}/1\"}", "  - models:/$${env:HOSTILE}$$${x}$/1")
	if len(m.Entries) != 2 || m.Entries[0].Ref.Model != hostile {
		t.Errorf("%+v", m.Entries)
	}
	if got := m.Entries[1].Ref.Model; got != "${env:HOSTILE}$${x}$" {
		t.Errorf("%q", got)
	}
}

func TestAFileLosesOneFinalNewline(t *testing.T) {
	for content, want := range map[string]string{"a": "a", "a\n": "a", "a\r\n": "a", "a b ": "a b "} {
		o := Options{ReadFile: func(path string) ([]byte, error) { return []byte(content), nil }}
		m := parse(t, o, "version: 1", "hosts: {a: {tracking: http://h, auth: {token: '${file:x}'}}}", "models: [models:/a/1]")
		if got := m.Hosts[0].Auth.Token; got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
}

func TestAPasswordMayBeFilledIntoAURL(t *testing.T) {
	o := Options{LookupEnv: func(n string) (string, bool) {
		return map[string]string{"URI": "https://me:s3cret@h/x?y", "PW": "s3cret"}[n], true
	}}
	m := parse(t, o, "version: 1", "hosts: {a: {tracking: 'https://me:${env:PW}@h/x'}}", "models: [models:/a/1]")
	if h := m.Hosts[0]; h.Tracking != "https://me:s3cret@h/x" || h.Source != "https://h/x" {
		t.Errorf("%+v", h)
	}
}

func TestAliasesAndMergedMappings(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/aliases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range m.Hosts {
		got = append(got, fmt.Sprintf("%s %s %d %v %v", h.Name, h.Tracking, h.Limits.InFlight, h.Limits.RequestsPerSecond, h.Limits.Timeout))
	}
	want := []string{"a http://a 2 0 5s", "b http://b 2 0 5s", "c http://c 2 1 9s", "d http://a 2 0 5s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if e := m.Entries[1]; e.Line != 12 || e.URI != "models:/a/1" || m.Entries[2].Host != "b" {
		t.Errorf("%+v", m.Entries)
	}
}

// A small manifest that means a huge one is refused, soon.
func TestAliasesCannotMultiplyWithoutEnd(t *testing.T) {
	roots := "{"
	for i := range 2000 {
		roots += fmt.Sprintf("'/p%d': /x, ", i)
	}
	lines := []string{"version: 1", "hosts:", "  a: &a", "    tracking: http://h", "    artifact-roots: " + roots + "}"}
	for i := range 2000 {
		lines = append(lines, fmt.Sprintf("  h%d: *a", i))
	}
	lines = append(lines, "defaults: {host: a}", "models: [models:/a/1]")
	_, err := Parse([]byte(strings.Join(lines, "\n")), Options{File: "m.yaml"})
	if err == nil || !strings.Contains(err.Error(), "aliases add more than 100000 values") {
		t.Error(err)
	}
	for _, bomb := range []string{
		"version: 1\nmodels: &a [*a, *a, *a]\n",
		"version: 1\nhosts: &a {<<: [*a, *a, *a, *a], x: *a}\nmodels: [models:/a/1]\n",
		"a: &a {<<: *a}\n",
	} {
		if _, err := Parse([]byte(bomb), Options{}); err == nil {
			t.Errorf("%s is accepted", bomb)
		}
	}
}

func TestAMistakeThatAliasesRepeatIsSaidOnce(t *testing.T) {
	_, err := Parse([]byte("version: 1\nhosts:\n  a: &a {tracking: http://h, typo: 1}\n  b: *a\n  c: *a\ndefaults: {host: a}\nmodels: [models:/a/1]\n"), Options{File: "-"})
	if err == nil || err.Error() != `-:3:30: unknown key "typo" in a host` {
		t.Error(err)
	}
}

func TestMistakesAreInTheOrderOfTheFile(t *testing.T) {
	_, err := Parse([]byte("models: [1, 2]\nversion: 3\nx: 1\n"), Options{File: "-"})
	var lines []int
	for _, m := range err.(Mistakes) {
		lines = append(lines, m.Line*100+m.Column)
	}
	if !slices.IsSorted(lines) || len(lines) != 4 {
		t.Errorf("%v: %v", lines, err)
	}
	if want := "-:1:10: the entry must be text, not the number 1\n-:1:13: the entry must be text, not the number 2\n-:2:10: this program reads manifests of version 1, not 3\n-:3:1: unknown key \"x\" in a manifest"; err.Error() != want {
		t.Error(err)
	}
}

func TestVersionSelectorsPrintWhatTheyMean(t *testing.T) {
	for text, want := range map[string]VersionSelector{
		"all":              {},
		"latest":           {Kind: LatestVersions, N: 1},
		"latest:1":         {Kind: LatestVersions, N: 1},
		"latest:12":        {Kind: LatestVersions, N: 12},
		"aliases":          {Kind: AliasVersions},
		"alias:champion":   {Kind: AliasVersion, Name: "champion"},
		"alias:a:b":        {Kind: AliasVersion, Name: "a:b"},
		"stage:Production": {Kind: StageVersions, Name: "Production"},
	} {
		got, err := ParseVersions(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		again, err := ParseVersions(got.String())
		if err != nil || again != want || text != "latest:1" && got.String() != text {
			t.Errorf("%s is printed as %s", text, got)
		}
	}
}

func TestPatternsMatchWholeNames(t *testing.T) {
	for text, names := range map[string]map[string]bool{
		"wine":      {"wine": true, "Wine": false, "wine2": false, "": false, "my wine": false},
		"wine*":     {"wine": true, "wine/a.b": true, "Wine": false},
		"*":         {"": true, "x": true, "a\nb": true},
		"**":        {"": true, "x": true},
		"?":         {"": false, "x": true, "é": true, "😀": true, "xx": false, "\xff": true},
		"a*b*c":     {"abc": true, "a-b-c": true, "abcbc": true, "acb": false, "ab": false},
		"*a?":       {"ab": true, "aab": true, "ba": false},
		`\*`:        {"*": true, "x": false, `\*`: false},
		`a\\b`:      {`a\b`: true},
		"a.b":       {"a.b": true, "axb": false},
		"[ab]":      {"[ab]": true, "a": false},
		"%_":        {"%_": true, "ab": false},
		"é*":        {"école": true, "ecole": false},
		"*" + "*ab": {"xxab": true, "abx": false},
	} {
		p := pattern(t, text)
		for name, want := range names {
			if got := p.Match(name); got != want {
				t.Errorf("%q matches %q: %v", text, name, got)
			}
		}
	}
	long := strings.Repeat("a", 5000)
	if pattern(t, strings.Repeat("*a", 50)+"*b").Match(long) {
		t.Error("there is no b")
	}
}

func TestPatternsWithoutWildcardsAreNames(t *testing.T) {
	for text, want := range map[string]string{"wine": "wine", `a\*b\\`: `a*b\`, "a*": "", "?": ""} {
		name, ok := pattern(t, text).Name()
		if name != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", text, name, ok)
		}
	}
}

func TestLikeNeedsNoQuoting(t *testing.T) {
	for text, want := range map[string]string{
		"fraud_*":                "fraud_%",
		"wine":                   "wine",
		"*":                      "",
		"?":                      "",
		"_*_":                    "",
		"a?b":                    "a%b",
		"it's \"50%\"":           "it%s %50%",
		`back\\slash`:            "back%slash",
		"é*a":                    "%a",
		"a.b-c d/e":              "a.b-c d%e",
		`a\*b`:                   "a%b",
		strings.Repeat("x", 300): strings.Repeat("x", 200) + "%",
	} {
		if got := pattern(t, text).Like(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// like is what databases do with LIKE, without regard to case as some do.
func like(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	if pattern[0] == '%' {
		for i := range name + "x" {
			if like(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	}
	for _, c := range name {
		rest := name[len(string(c)):]
		return (pattern[0] == '_' || strings.EqualFold(pattern[:1], string(c))) && like(pattern[1:], rest)
	}
	return false
}

func FuzzLikeHidesNoName(f *testing.F) {
	for _, s := range []string{"fraud_*", "a?b", `\*é'%`} {
		f.Add(s, "fraud_x")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		if len(text) > 50 || len(name) > 50 {
			return
		}
		p, err := ParsePattern(text)
		if err != nil {
			return
		}
		l := p.Like()
		if strings.ContainsAny(l, `'"\`+"`\n;") {
			t.Errorf("%q gives %q, which needs quoting", text, l)
		}
		// The name that the pattern is most like, and the one that came along.
		literal := strings.NewReplacer(`\\`, `\`, `\*`, "*", `\?`, "?").Replace(text)
		for _, n := range []string{name, literal, strings.ReplaceAll(text, "*", name)} {
			if strings.ToValidUTF8(n, "") == n && p.Match(n) && l != "" && !like(l, n) {
				t.Errorf("%q matches %q, but %q hides it", text, n, l)
			}
		}
	})
}

func TestAnEntryForSeveralHostsIsAnEntryOfEach(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/several-hosts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(data, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range m.Entries {
		got = append(got, fmt.Sprint(e.Index, " ", e.Ref.Model, " ", e.Host))
	}
	want := []string{"0 everywhere signed", "0 everywhere other", "0 everywhere third", "1 once signed", "2 twice third", "2 twice other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m.DefaultHost != "" {
		t.Errorf("the default host is %q: every place must say its host", m.DefaultHost)
	}
	if diff := cmp.Diff(Auth{Token: "s3cret"}, m.Hosts[0].Auth); diff != "" {
		t.Error(diff)
	}
}

func TestTakesWorkspacesOfDatabricks(t *testing.T) {
	for _, tracking := range []string{"databricks", "databricks://prod", "databricks-uc", "databricks-uc://prod_2.x"} {
		m, err := Parse([]byte("version: 1\nhosts: {dbx: {tracking: \""+tracking+"\"}}\nmodels: [models:/a.b.c/1]\n"), Options{File: "m.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		if h := m.Hosts[0]; h.Tracking != tracking || h.Registry != tracking || h.Source != tracking {
			t.Errorf("%s: %+v", tracking, h)
		}
	}
}
