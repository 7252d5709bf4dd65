package sink

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

func parseRef(t testing.TB, uri string) mlflow.Ref {
	t.Helper()
	r, err := mlflow.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlacesAreWhereOneLooksForThem(t *testing.T) {
	p := NewPlaces("local")
	for _, c := range []struct{ host, uri, name, want string }{
		{"local", "models:/Sklearn_Wine/2", "", "Sklearn_Wine/2"},
		{"local", "models:/Sklearn_Wine/10", "", "Sklearn_Wine/10"},
		{"prod", "models:/Sklearn_Wine/2", "", "@prod/Sklearn_Wine/2"},
		{"local", "models:/a/b/3", "", "a%2Fb/3"},
		{"local", "runs:/0123abcd/model", "", "runs/0123abcd/model"},
		{"local", "runs:/0123abcd/a/b c", "", "runs/0123abcd/a/b c"},
		{"prod", "runs:/0123abcd/model", "", "@prod/runs/0123abcd/model"},
		{"local", "models:/m-0a1b", "", "logged_models/m-0a1b"},
		{"local", "models:/Sklearn_Wine/2", "wine-champion", "wine-champion"},
		{"prod", "/data/mymodel", "by hand/1", "by hand%2F1"},
		{"local", "models:/runs/1", "", "%72uns/1"},
		{"local", "models:/Logged_Models/1", "", "%4Cogged_Models/1"},
		{"local", "models:/@prod/1", "", "%40prod/1"},
		{"local", "models:/../../etc/x/1", "", "%2E.%2F..%2Fetc%2Fx/1"},
		{"local", "runs:/0123abcd/../../../x", "", "runs/0123abcd/%2E%2E/%2E%2E/%2E%2E/x"},
		{"local", "runs:/0123abcd/model/MLmodel", "", "runs/0123abcd/model/%4DLmodel"},
		{"local", "runs:/0123abcd/model/Files/model", "", "runs/0123abcd/model/%46iles/model"},
		{"local", "runs:/0123abcd/x//y", "", "runs/0123abcd/x/%/y"},
		{"../x", "models:/a/1", "", "@..%2Fx/a/1"},
	} {
		got, err := p.Report(c.host, parseRef(t, c.uri), c.name)
		if err != nil || got != c.want {
			t.Errorf("%s on %s: %q, want %q: %v", c.uri, c.host, got, c.want, err)
		}
	}
	if got := p.ID("prod", "experiments", "1"); got != "@prod/1" {
		t.Error(got)
	}
	if got := p.Model("prod", "a/b"); got != "@prod/a%2Fb" {
		t.Error(got)
	}
}

func TestLocationNeedsAName(t *testing.T) {
	_, err := NewPlaces("h").Report("h", parseRef(t, "s3://bucket/model"), "")
	if !errors.Is(err, mlflow.ErrInvalid) || mlflow.Hint(err) != "give the entry a `name:`" {
		t.Error(err)
	}
	if _, err := NewPlaces("h").Report("h", parseRef(t, "models:/a@champion"), ""); !errors.Is(err, mlflow.ErrInvalid) {
		t.Error(err)
	}
}

func TestOfTwinsTheFirstKeepsItsName(t *testing.T) {
	p := NewPlaces("h")
	var got []string
	for _, name := range []string{"Wine", "wINE", "wine", "Stra\u00dfe", "Strasse", "cafe\u0301", "caf\u00e9", "\u212a", "k"} {
		got = append(got, p.Model("h", name))
	}
	want := []string{"Wine", "wINE~" + hash("wINE")[:8], "wine~" + hash("wine")[:8], "Stra\u00dfe", "Strasse~" + hash("Strasse")[:8],
		"cafe\u0301", "caf\u00e9~" + hash("caf\u00e9")[:8], "\u212a", "k~" + hash("k")[:8]}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if name, err := Decode(got[2]); err != nil || name != "wine" {
		t.Error(name, err)
	}
	if again := p.Model("h", "wINE"); again != got[1] {
		t.Errorf("asked again: %q", again)
	}
	if other := p.Model("other", "wine"); other != "@other/wine" {
		t.Errorf("another host's model is no twin: %q", other)
	}
}

func TestRunPathsAndNamesHaveTwinsToo(t *testing.T) {
	p := NewPlaces("h")
	a, _ := p.Report("h", parseRef(t, "runs:/01/Model"), "")
	b, _ := p.Report("h", parseRef(t, "runs:/01/model"), "")
	c, _ := p.Report("h", parseRef(t, "models:/x/1"), "A")
	d, _ := p.Report("h", parseRef(t, "models:/x/1"), "a")
	if a != "runs/01/Model" || b != "runs/01/model~"+hash("model")[:8] || c != "A" || d != "a~"+hash("a")[:8] {
		t.Error(a, b, c, d)
	}
}

func TestNamesAndHostsOfAManifestDoNotDependOnWhoComesFirst(t *testing.T) {
	hosts, names := []string{"prod", "h", "Prod"}, []string{"wine", "Wine", "wIne"}
	want := []string{"@prod~" + hash("@prod")[:8] + "/x/1", "@Prod/x/1", "wine~" + hash("wine")[:8], "Wine", "wIne~" + hash("wIne")[:8], "WINE~" + hash("WINE")[:8] + "/1"}
	for i := range names {
		p := NewPlaces("h")
		p.Claim(append(slices.Clone(hosts[i:]), hosts[:i]...), append(slices.Clone(names[i:]), names[:i]...))
		var got []string
		for _, c := range []struct{ host, uri, name string }{
			{"prod", "models:/x/1", ""}, {"Prod", "models:/x/1", ""},
			{"prod", "models:/x/1", "wine"}, {"h", "models:/x/1", "Wine"}, {"h", "models:/x/1", "wIne"}, {"h", "models:/WINE/1", ""},
		} {
			place, err := p.Report(c.host, parseRef(t, c.uri), c.name)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, place)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

func TestPathThatIsTooDeepBecomesOneFolder(t *testing.T) {
	p := NewPlaces("h")
	deep := strings.TrimRight(strings.Repeat("a/", 5000), "/")
	a, _ := p.Report("h", parseRef(t, "runs:/01/"+deep), "")
	b, _ := p.Report("h", parseRef(t, "runs:/01/"+deep+"b"), "")
	if a == b || len(a) > 250 || strings.Count(a, "/") != 2 {
		t.Error(a, b)
	}
}

func TestNamesMadeToCollideStillGetDifferentPlaces(t *testing.T) {
	// Two names of one fold whose first 8 hex digits are equal are made here by
	// taking the twin's segment away beforehand.
	p := NewPlaces("h")
	p.taken[""] = map[string]string{"wine": "WINE", "wine~" + hash("wine")[:8]: "Wine"}
	got := p.Model("h", "wine")
	if got != "wine~"+hash("wine")[:12] {
		t.Error(got)
	}
	if name, err := Decode(got); err != nil || name != "wine" {
		t.Error(name, err)
	}
}

func TestPlacesAreSafeForConcurrentUse(t *testing.T) {
	p := NewPlaces("h")
	var mu sync.Mutex
	seen := map[string]string{}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				name := fmt.Sprint([]string{"a", "A", "b", "B"}[g], i)
				place := p.Model("h", name)
				mu.Lock()
				if other, dup := seen[p.folded(place)]; dup {
					t.Errorf("%s and %s both at %s", other, name, place)
				}
				seen[p.folded(place)] = name
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// Whatever the names are, their places lie in the tree, and no two of them are
// one folder on a system that folds case and normal forms.
func FuzzPlaces(f *testing.F) {
	f.Add("a", "A", "runs")
	f.Fuzz(func(t *testing.T, a, b, path string) {
		p := NewPlaces("")
		names := map[string]string{}
		for _, n := range []string{a, b, strings.ToLower(a), strings.ToUpper(b), a + b} {
			place := p.Model("", n)
			checkSegment(t, place)
			key := p.folded(place)
			if other, ok := names[key]; ok && other != n {
				t.Fatalf("%q and %q both at %q", other, n, place)
			}
			names[key] = n
			if key == "runs" || key == "logged_models" || key[0] == '@' {
				t.Fatalf("%q at %q", n, place)
			}
		}
		run, err := p.Report(a, mlflow.Ref{Kind: mlflow.RunRef, RunID: b, Path: path}, "")
		if err != nil || len(run) > 2000 {
			t.Fatal(run, err)
		}
		for s := range strings.SplitSeq(run, "/") {
			checkSegment(t, s)
		}
	})
}
