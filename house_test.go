package mlreport_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxFunction = 70  // lines
	maxFile     = 500 // lines
)

// goFiles lists the code of the module, but for tests.
func goFiles(t *testing.T) []string {
	t.Helper()
	var list []string
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(name)):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			list = append(list, name)
		}
		return nil
	})
	if err != nil || len(list) == 0 {
		t.Fatalf("no code was found: %v", err)
	}
	return list
}

func isModule(dir string) bool {
	_, err := os.Stat(path.Join(dir, "go.mod"))
	return err == nil
}

// A source is one parsed file.
type source struct {
	name string
	set  *token.FileSet
	*ast.File
}

func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.name, s.set.Position(n.Pos()).Line)
}

func (s source) lines(n ast.Node) int {
	return s.set.Position(n.End()).Line - s.set.Position(n.Pos()).Line + 1
}

func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	for _, name := range goFiles(t) {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, source{name, set, f})
	}
	return list
}

func TestFunctionsAndFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if n := s.set.File(s.Package).LineCount(); n > maxFile {
			t.Errorf("%s has %d lines; %d is the limit", s.name, n, maxFile)
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				if lines := s.lines(n); lines > maxFunction {
					t.Errorf("%s: a function of %d lines; %d is the limit", s.at(n), lines, maxFunction)
				}
			}
			return true
		})
	}
}

// Package state makes two uses of a package meet; what is here cannot change.
func allowedVars() map[string]string {
	const resolver = "a form of PyYAML's resolver, compiled once and never changed: there regular expressions are the specification"
	return map[string]string{
		"pkg/mlflow.yamlBool":   resolver,
		"pkg/mlflow.yamlNull":   resolver,
		"pkg/mlflow.yamlInt":    resolver,
		"pkg/mlflow.yamlFloat":  resolver,
		"pkg/mlflow.jsonNumber": resolver,
	}
}

func TestPackagesHaveNoState(t *testing.T) {
	allowed := allowedVars()
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init() runs unasked", s.at(f))
			}
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					key := path.Dir(s.name) + "." + name.Name
					used[key] = true
					if name.Name == "_" || allowed[key] != "" || isEmbedded(g, v) || isError(v, i) {
						continue
					}
					t.Errorf("%s: the package variable %s is state; make it a constant, a function or a field", s.at(v), name.Name)
				}
			}
		}
	}
	for key := range allowed {
		if !used[key] {
			t.Errorf("allowedVars names %s, which is not there", key)
		}
	}
}

func isEmbedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// isError tells whether a variable is a sentinel: errors.New, fmt.Errorf.
func isError(v *ast.ValueSpec, i int) bool {
	name := strings.ToLower(v.Names[i].Name)
	if !strings.HasPrefix(name, "err") || i >= len(v.Values) {
		return false
	}
	call, ok := v.Values[i].(*ast.CallExpr)
	if !ok {
		return false
	}
	f := selected(call.Fun)
	return f == "errors.New" || f == "fmt.Errorf"
}

// selected is `pkg.Name` of a selector, or "".
func selected(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}

func TestNoContextIsKept(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.File, func(n ast.Node) bool {
			st, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range st.Fields.List {
				if selected(f.Type) == "context.Context" {
					t.Errorf("%s: a context in a struct; make it the first argument", s.at(f))
				}
			}
			return true
		})
	}
}

func TestContextComesFirst(t *testing.T) {
	for _, s := range sources(t) {
		check := func(f *ast.FuncType) {
			for i, p := range f.Params.List {
				if i > 0 && selected(p.Type) == "context.Context" {
					t.Errorf("%s: the context is not the first argument", s.at(p))
				}
			}
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				check(n.Type)
			case *ast.InterfaceType:
				for _, m := range n.Methods.List {
					if f, ok := m.Type.(*ast.FuncType); ok {
						check(f)
					}
				}
			}
			return true
		})
	}
}

// forbidden names what library code must not do, and the files that may.
func forbidden() map[string][]string {
	const cmd = "cmd/mlreport/"
	environment := []string{cmd + "main.go"} // into a struct, for all others
	terminal := []string{cmd + "main.go", cmd + "tui.go", "bench/"}
	clock := []string{cmd, "pkg/fetch/rest/retry", "pkg/fetch/rest/client.go", "pkg/fetch/sqlstore/store.go", "bench/measured/"} // retries wait; a file was left alone
	return map[string][]string{
		"os.Getenv":       environment,
		"os.LookupEnv":    environment,
		"os.Environ":      environment,
		"os.ExpandEnv":    nil,
		"os.Setenv":       nil,
		"os.UserHomeDir":  environment,
		"os.Getwd":        environment,
		"os.Stdin":        {cmd, "bench/measured/"},
		"os.Stdout":       terminal,
		"os.Stderr":       terminal,
		"os.Exit":         terminal,
		"os.TempDir":      nil,
		"fmt.Print":       nil,
		"fmt.Printf":      nil,
		"fmt.Println":     nil,
		"log.Print":       nil,
		"log.Printf":      nil,
		"log.Println":     nil,
		"log.Fatal":       nil,
		"log.Fatalf":      nil,
		"slog.Default":    {cmd},
		"slog.SetDefault": nil,
		"slog.Info":       nil,
		"slog.Warn":       nil,
		"slog.Error":      nil,
		"slog.Debug":      nil,
		"time.Now":        clock,
		"time.Since":      clock,
		"time.Until":      clock,
		"time.Sleep":      nil, // wait for ctx, too
		"context.TODO":    nil,
		"http.Get":        nil,
		"http.Post":       nil,
		"regexp.Compile":  nil, // small functions say what they accept
	}
}

func TestLibraryCodeAsksAndTellsNobody(t *testing.T) {
	rules := forbidden()
	for _, s := range sources(t) {
		ast.Inspect(s.File, func(n ast.Node) bool {
			e, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name := selected(e)
			files, ruled := rules[name]
			if ruled && !strings.HasPrefix(s.name, "internal/mlflowtest/") && !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(s.name, f) }) {
				t.Errorf("%s: %s is not for this file", s.at(e), name)
			}
			return true
		})
		ast.Inspect(s.File, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if f, ok := c.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") && f.Obj == nil {
					t.Errorf("%s: %s", s.at(c), f.Name)
				}
			}
			return true
		})
	}
}

func TestPackagesAreNamedAndDescribed(t *testing.T) {
	described := map[string]bool{}
	for _, s := range sources(t) {
		dir := path.Dir(s.name)
		described[dir] = described[dir] || s.Doc != nil && len(s.Doc.Text()) > 40
		switch s.Name.Name {
		case "util", "utils", "common", "types", "helpers", "misc", "base":
			t.Errorf("%s: %s is no name for a package", s.name, s.Name.Name)
		}
	}
	for dir, ok := range described {
		if !ok {
			t.Errorf("%s: no comment says what the package takes in, gives out and must never do", dir)
		}
	}
}

// What is exported says what it promises.
func TestExportedNamesAreDescribed(t *testing.T) {
	for _, s := range sources(t) {
		if s.Name.Name == "main" {
			continue
		}
		for _, d := range s.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !isDescribedElsewhere(d) {
					t.Errorf("%s: %s has no comment", s.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				if d.Tok == token.IMPORT || d.Doc != nil {
					continue
				}
				for _, spec := range d.Specs {
					if name, doc := declared(spec); name != nil && name.IsExported() && doc == nil {
						t.Errorf("%s: %s has no comment", s.at(spec), name.Name)
					}
				}
			}
		}
	}
}

// isDescribedElsewhere tells the methods whose promise stands with a
// well-known interface, and those of types that nobody can name.
func isDescribedElsewhere(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	switch d.Name.Name {
	case "Error", "Unwrap", "String", "Is", "Read", "Write", "Close", "RoundTrip":
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, ok := t.(*ast.Ident)
	return ok && !name.IsExported()
}

func declared(spec ast.Spec) (*ast.Ident, *ast.CommentGroup) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Name, first(spec.Doc, spec.Comment)
	case *ast.ValueSpec:
		return spec.Names[0], first(spec.Doc, spec.Comment)
	}
	return nil, nil
}

func first(groups ...*ast.CommentGroup) *ast.CommentGroup {
	for _, g := range groups {
		if g != nil {
			return g
		}
	}
	return nil
}
