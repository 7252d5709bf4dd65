package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/mlreport/mlreport/pkg/find"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// What people give that is something else: a path of another machine, or a
// file that another command is for.

// ofWindows is about a path of Windows on a machine that is none; nil: it is
// no such path, or there is something of that name.
func ofWindows(word string) error {
	path := word
	if mlflow.SchemeOf(word) == "file" {
		path, _ = mlflow.LocalPath(word)
	} else if strings.HasPrefix(mlflow.SchemeOf(word), "sqlite") {
		_, path, _ = strings.Cut(word, ":///")
	}
	share := strings.HasPrefix(path, `\\`)
	if runtime.GOOS == "windows" || !mlflow.HasDrive(path) && !share {
		return nil
	}
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	hint := "name its copy on this machine by the path that it has here"
	if !share {
		here := "/mnt/" + strings.ToLower(path[:1]) + "/" + strings.TrimLeft(strings.ReplaceAll(path[2:], `\`, "/"), "/")
		if strings.HasPrefix(word, "sqlite") {
			here = "sqlite:///" + here
		}
		hint += ", in WSL " + here
	}
	return &mlflow.Error{
		Err:  mlflow.Reason(mlflow.ErrNotFound, "%s is a path of Windows, which this machine is not", cleanURI(word)),
		Hint: hint + "; mlreport find . looks for stores below this folder",
	}
}

// A given is what a path leads to.
type given string

const (
	aTree     given = "a tree of reports"
	aReport   given = "a report"
	aManifest given = "a manifest"
	aDatabase given = "a database"
	aFolder   given = "a store of MLflow"
	aModel    given = "a model"
)

// whatIs looks at a path; "" is nothing that this program knows.
func whatIs(path string) given {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return ""
	case !info.IsDir():
		return whatFileIs(path)
	case isFile(path, ".mlreport.json"):
		return aTree
	case isFile(path, "report.json"): // an MLmodel may lie beside it
		return aReport
	case isFile(path, "MLmodel"):
		return aModel
	}
	if kind, err := find.File(path); err == nil && kind == find.Folder {
		return aFolder
	}
	return ""
}

func whatFileIs(path string) given {
	if kind, err := find.File(path); err == nil && kind != "" {
		return aDatabase
	}
	head := headOf(path)
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case bytes.HasPrefix(head, []byte(`{"format": "mlreport-`)):
		return aTree
	case bytes.HasPrefix(head, []byte("{\n  \"manifest\": {\n    \"model_uri\": ")):
		return aReport
	case filepath.Base(path) == "MLmodel":
		return aModel
	case ext == ".yaml" || ext == ".yml":
		return aManifest
	case strings.HasPrefix(ext, ".db") || strings.HasPrefix(ext, ".sqlite"):
		return aDatabase
	}
	return ""
}

func isFile(parts ...string) bool {
	info, err := os.Stat(filepath.Join(parts...))
	return err == nil && info.Mode().IsRegular()
}

// headOf is how a file begins.
func headOf(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, 100)) // what cannot be read is nothing that is known
	return head
}

// otherThan says that a path is not what a command takes, and which command
// is for it; nil: it is nothing that this program knows.
func (s *session) otherThan(wanted, path string) error {
	is := whatIs(path)
	hint := ""
	switch word := shellWord(path); is {
	case aTree:
		if isFile(path) {
			word = shellWord(filepath.Dir(path))
		}
		hint = fmt.Sprintf("%s show --tree %s NAME shows a model of it", s.program(), word)
	case aReport:
		hint = fmt.Sprintf("%s show %s shows it", s.program(), word)
	case aManifest:
		hint = fmt.Sprintf("%s run %s makes its reports", s.program(), word)
	case aDatabase, aFolder:
		hint = fmt.Sprintf("%s --tracking-uri %s shows what it holds, %s run %s makes reports of it", s.program(), word, s.program(), word)
	case aModel:
		if isFile(path) {
			word = shellWord(filepath.Dir(path))
		}
		hint = fmt.Sprintf("%s show %s shows it, %s run %s makes its report", s.program(), word, s.program(), word)
	default:
		return nil
	}
	return &mlflow.Error{Err: errUsage{fmt.Errorf("%s is %s, not %s", path, is, wanted)}, Hint: hint}
}

// fullerBeside looks beside a store without models for one that has some.
func (s *session) fullerBeside(ctx context.Context, uri string) (stock, bool) {
	path, ok := strings.CutPrefix(uri, "sqlite:///")
	if !ok {
		path, ok = mlflow.LocalPath(uri)
	}
	if !ok {
		return stock{}, false
	}
	all, _, err := s.storesBelow(ctx, filepath.Dir(filepath.FromSlash(path)), find.Options{Depth: 1, MaxEntries: 20_000})
	if err != nil || len(all) == 0 {
		return stock{}, false
	}
	sortStores(all)
	return all[0], all[0].worth() >= 4
}

// besideHint says that another store is meant.
func (s *session) besideHint(k stock) string {
	return fmt.Sprintf("%s beside it holds %s: give --tracking-uri %s", k.name, k.holds(), shellWord(k.host.Tracking))
}
