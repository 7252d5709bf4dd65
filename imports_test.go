package mlreport_test

import (
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mlreport/mlreport"

// layer says what a folder may import of ours, and which libraries of others.
type layer struct{ ours, others []string }

// layers is the import table: arrows only point down, and only the command
// line knows every backend. A package that is not in it fails the test.
func layers() map[string]layer {
	const (
		yaml     = "gopkg.in/yaml.v3"
		errgroup = "golang.org/x/sync/errgroup"
		json     = "github.com/go-json-experiment/json"
		jsontext = json + "/jsontext"
	)
	backend := []string{"pkg/mlflow", "pkg/fetch"}
	return map[string]layer{
		"pkg/mlflow":     {nil, []string{yaml, jsontext}},
		"pkg/manifest":   {[]string{"pkg/mlflow"}, []string{yaml}},
		"pkg/fetch":      {[]string{"pkg/mlflow"}, []string{errgroup}},
		"pkg/fetch/rest": {backend, []string{errgroup, jsontext, json, "golang.org/x/time/rate", "golang.org/x/sys/unix"}},
		"pkg/fetch/databricks": {append([]string{"pkg/fetch/rest"}, backend...), []string{
			"github.com/databricks/databricks-sdk-go/config", "github.com/databricks/databricks-sdk-go/apierr", "github.com/databricks/databricks-sdk-go/httpclient",
			"github.com/aws/aws-sdk-go-v2/aws", "github.com/aws/aws-sdk-go-v2/aws/signer/v4",
		}},
		"pkg/fetch/sqlstore": {backend, []string{
			"modernc.org/sqlite", "modernc.org/sqlite/lib", "golang.org/x/sys/unix",
			"github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn", "github.com/jackc/pgx/v5/stdlib", "github.com/go-sql-driver/mysql",
		}},
		"pkg/fetch/filestore": {backend, []string{errgroup}},
		"pkg/fetch/artifact":  {backend, []string{"golang.org/x/sys/unix"}},
		"pkg/fetch/cloud":     {backend, []string{"*"}}, // the vendors' libraries
		"pkg/enrich":          {[]string{"pkg/mlflow"}, []string{jsontext}},
		"pkg/report":          {[]string{"pkg/mlflow", "internal/offsets"}, []string{json, jsontext}},
		"pkg/bulk":            {[]string{"pkg/mlflow"}, []string{"github.com/klauspost/compress/zstd"}},
		"pkg/sink":            {[]string{"pkg/mlflow", "pkg/report", "pkg/bulk", "pkg/view", "internal/offsets"}, []string{json, jsontext, "golang.org/x/sys/unix", "golang.org/x/sys/windows", "golang.org/x/text/cases", "golang.org/x/text/unicode/norm"}},
		"pkg/batch":           {[]string{"pkg/mlflow", "pkg/manifest", "pkg/fetch", "pkg/enrich", "pkg/report", "pkg/sink"}, []string{errgroup}},
		"pkg/find":            {nil, nil},
		"pkg/view":            {[]string{"pkg/mlflow"}, []string{"golang.org/x/text/width"}},
		"pkg/listing":         {[]string{"pkg/mlflow", "pkg/view"}, nil},
		"internal/mlflowtest": {[]string{"pkg/mlflow", "pkg/fetch", "pkg/report"}, []string{"*"}},
		"internal/offsets":    {nil, nil},
		"bench":               {nil, nil},
		"bench/store":         {nil, []string{"modernc.org/sqlite"}},
		"bench/measured":      {nil, nil},
		"bench/copylimit":     {nil, []string{errgroup, "modernc.org/sqlite"}},
		"bench/serverlimit":   {nil, []string{errgroup}},
		"cmd/mlreport":        {[]string{"*"}, []string{"*"}},
	}
}

func TestPackagesImportOnlyWhatIsBelowThem(t *testing.T) {
	table := layers()
	for _, f := range goFiles(t) {
		l, known := table[path.Dir(f)]
		if !known {
			t.Errorf("%s: its package is not in the import table of imports_test.go", f)
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Error(err)
			}
			allowed := l.others
			if ours, ok := strings.CutPrefix(name, module+"/"); ok {
				name, allowed = ours, l.ours
			} else if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
				continue // the standard library
			}
			if !slices.Contains(allowed, name) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s", f, name)
			}
		}
	}
}

// Nothing outside of cmd knows kong or draws on a terminal, and no code of
// ours hangs on a test helper.
func TestOnlyTheCommandLineKnowsTheTerminal(t *testing.T) {
	for _, f := range goFiles(t) {
		if path.Dir(f) == "cmd/mlreport" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			for _, no := range []string{"alecthomas/kong", "vbauerster/mpb", "golang.org/x/term", "mattn/go-isatty", "net/http/pprof"} {
				if strings.Contains(name, no) {
					t.Errorf("%s imports %s", f, name)
				}
			}
			if name == "testing" && !strings.HasPrefix(f, "internal/mlflowtest/") {
				t.Errorf("%s imports testing", f)
			}
		}
	}
}
