package mlflow

import (
	"errors"
	"strings"
	"testing"
)

func TestParsesEverySpellingOfAModelURI(t *testing.T) {
	for _, c := range []struct {
		uri  string
		want Ref
	}{
		{"models:/wine/3", Ref{Kind: VersionRef, Model: "wine", Version: 3}},
		{"models:/wine/01", Ref{Kind: VersionRef, Model: "wine", Version: 1}},
		{"models:///wine/1", Ref{Kind: VersionRef, Model: "wine", Version: 1}},
		{"models:/a%20b/1", Ref{Kind: VersionRef, Model: "a%20b", Version: 1}},
		{"models:/a b/1", Ref{Kind: VersionRef, Model: "a b", Version: 1}},
		{"models:/a/b/1", Ref{Kind: VersionRef, Model: "a/b", Version: 1}},
		{"models:/a#b?c/1", Ref{Kind: VersionRef, Model: "a#b?c", Version: 1}},
		{"models:/a.b.c/1", Ref{Kind: VersionRef, Model: "a.b.c", Version: 1}},
		{"models:/a@b/1", Ref{Kind: VersionRef, Model: "a@b", Version: 1}},
		{"models:/wine/latest", Ref{Kind: LatestRef, Model: "wine"}},
		{"models:/wine/LATEST", Ref{Kind: LatestRef, Model: "wine"}},
		{"models:/wine/Production", Ref{Kind: StageRef, Model: "wine", Stage: "Production"}},
		{"models:/wine/1 ", Ref{Kind: StageRef, Model: "wine", Stage: "1 "}},
		{"models:/wine@champion", Ref{Kind: AliasRef, Model: "wine", Alias: "champion"}},
		{"models:/a@b@champion", Ref{Kind: AliasRef, Model: "a@b", Alias: "champion"}},
		{"models:/m-0123456789abcdef0123456789abcdef", Ref{Kind: LoggedModelRef, ModelID: "m-0123456789abcdef0123456789abcdef"}},
		{"models:/m-1/2", Ref{Kind: VersionRef, Model: "m-1", Version: 2}},
		{"models://team@databricks/wine/1", Ref{Kind: VersionRef, Registry: "team@databricks", Model: "wine", Version: 1}},
		{"runs:/0123abcd/model", Ref{Kind: RunRef, RunID: "0123abcd", Path: "model"}},
		{"runs:/0123abcd/a/b/", Ref{Kind: RunRef, RunID: "0123abcd", Path: "a/b"}},
		{"mlflow-artifacts:/1/ab/artifacts/model", Ref{Kind: LocationRef, Location: "mlflow-artifacts:/1/ab/artifacts/model"}},
		{`C:\x\model`, Ref{Kind: LocationRef, Location: `C:\x\model`}},
	} {
		got, err := ParseRef(c.uri)
		if err != nil || got != c.want {
			t.Errorf("ParseRef(%q) = %+v, %v, want %+v", c.uri, got, err, c.want)
		}
	}
}

func TestSaysWhatIsWrongWithAModelURI(t *testing.T) {
	for _, c := range []struct{ uri, problem, hint string }{
		{"", "is empty", "models:/name/version"},
		{"models:wine/1", "has no slash", "models:/name/version"},
		{"models:/wine", "names no version", "models:/wine/latest"},
		{"models:/wine/", "lacks a name or a version", "models:/name/version"},
		{"models:/wine@", "lacks a name or an alias", "models:/name@alias"},
		{"models:/@x", "lacks a name or an alias", "models:/name@alias"},
		{"models:/wine/0", "has a version that is not a number from 1", ""},
		{"models:/wine/99999999999999999999", "has a version that is not a number from 1", ""},
		{"models:/m-", "names no version", ""},
		{"models:/m-ab\n", "names no version", ""},
		{"runs:/", "has no run id", "runs:/<run id>"},
		{"runs:/[x]/model", "has no run id", "runs:/<run id>"},
		{"runs:/`{/model", "has no run id", "runs:/<run id>"},
		{"runs:/a b/model", "has no run id", "runs:/<run id>"},
		{"runs:/0123", "names a run, but no model in it", "runs:/0123/model"},
		{"runs:/0123/", "names a run, but no model in it", "runs:/0123/model"},
	} {
		_, err := ParseRef(c.uri)
		var re *RefError
		if !errors.As(err, &re) || !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseRef(%q): error %v", c.uri, err)
			continue
		}
		if re.URI != c.uri || !strings.Contains(re.Problem, c.problem) || !strings.Contains(Hint(err), c.hint) {
			t.Errorf("ParseRef(%q): %q, hint %q", c.uri, re.Problem, Hint(err))
		}
	}
}

// What ParseRef makes of any text is written again as a URI that means the same.
func FuzzRefPrintsWhatItParsed(f *testing.F) {
	for _, s := range []string{"models:/a/1", "models:////a/1", "models:/a/b@c", "models://p@databricks/a/latest", "runs:/0/a", "/x", "models:/m-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		r, err := ParseRef(uri)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("ParseRef(%q): %v wraps no ErrInvalid", uri, err)
			}
			return
		}
		again, err := ParseRef(r.String())
		if err != nil || again != r {
			t.Fatalf("%q is %+v, but its URI %q is %+v, %v", uri, r, r.String(), again, err)
		}
	})
}
