package mlflow

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDatabaseURIsAreReadAsSQLAlchemyReadsThem(t *testing.T) {
	for uri, want := range map[string]DatabaseURI{
		"postgresql://h/mlflow":                   {Dialect: "postgresql", Host: "h", Database: "mlflow"},
		"PostgreSQL+psycopg2://u@h:5433/a%20b":    {Dialect: "postgresql", Driver: "psycopg2", User: "u", Host: "h", Port: "5433", Database: "a%20b"},
		"mysql+pymysql://u:@h/d":                  {Dialect: "mysql", Driver: "pymysql", User: "u", HasPassword: true, Host: "h", Database: "d"},
		"mysql://u%40x:p%40s%2Fs%3A+%25@h/d":      {Dialect: "mysql", User: "u@x", Password: "p@s/s:+%", HasPassword: true, Host: "h", Database: "d"},
		"mysql://u:p/s?s#s@h:1/d":                 {Dialect: "mysql", User: "u", Password: "p/s?s#s", HasPassword: true, Host: "h", Port: "1", Database: "d"},
		"postgres://u:p@[::1]:5/d":                {Dialect: "postgres", User: "u", Password: "p", HasPassword: true, Host: "::1", Port: "5", Database: "d"},
		"postgresql:///d?host=/run/x&sslmode=a+b": {Dialect: "postgresql", Database: "d", Options: map[string][]string{"host": {"/run/x"}, "sslmode": {"a b"}}},
		"mysql://u:p@ss/w?d@h/d?ssl_ca=a@b":       {Dialect: "mysql", User: "u", Password: "p@ss/w?d", HasPassword: true, Host: "h", Database: "d", Options: map[string][]string{"ssl_ca": {"a@b"}}},
		"postgresql://h:1/d?options=a@b":          {Dialect: "postgresql", User: "h", Password: "1/d?options=a", HasPassword: true, Host: "b"},
		"postgresql://h/d?options=a@b":            {Dialect: "postgresql", Host: "h", Database: "d", Options: map[string][]string{"options": {"a@b"}}},
		"postgresql://":                           {Dialect: "postgresql"},
	} {
		got, ok := ParseDatabaseURI(uri)
		if want.Options == nil {
			want.Options = map[string][]string{}
		}
		if d := cmp.Diff(want, got); d != "" || !ok {
			t.Errorf("%s: %v (-want +got):\n%s", uri, ok, d)
		}
	}
	for _, uri := range []string{"sqlite:///x.db", "postgresql:x", "https://h/d", "mysql://u:%zz@h/d", "mysql://h/d?x=%z"} {
		if got, ok := ParseDatabaseURI(uri); ok {
			t.Errorf("%s was read: %+v", uri, got)
		}
	}
}

func TestNothingOfADatabasePasswordIsShown(t *testing.T) {
	for _, password := range []string{"secret", "se/cret", "se?cret", "se#cret", "se@cret", "cret/se@cret", "se@/cret", "cret@se?cret@cret", ":secret", "se%cret"} {
		for _, tail := range []string{"h:5432/db", "h/db?sslmode=require&options=a@b", "h", "/db?host=/run/x"} {
			uri := "postgresql+psycopg2://me:" + password + "@" + tail
			if got := Redact(uri); strings.Contains(got, "cret") || strings.Contains(got, "@") || strings.Contains(got, "me") {
				t.Errorf("Redact(%q) = %q", uri, got)
			}
		}
	}
	if got := Redact("postgresql://me@h:5/db"); got != "postgresql://h:5/db" {
		t.Errorf("a user without password: %q", got)
	}
}
