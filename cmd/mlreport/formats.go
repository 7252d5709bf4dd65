package main

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/mlreport/mlreport/pkg/mlflow"
	"github.com/mlreport/mlreport/pkg/view"
)

// formatFlag says how commands for people print.
type formatFlag struct {
	Output string `enum:"text,json,csv,markdown" default:"text" help:"text, json, csv or markdown."`
}

// printTable prints a table on stdout; text fits the terminal.
func (s *session) printTable(t view.Table, format string) error {
	var data []byte
	switch format {
	case "json":
		data = mlflow.EncodeReport(t.JSON())
	case "csv":
		data = t.CSV()
	case "markdown":
		data = []byte(t.Markdown())
	default:
		data = s.paint(t.Text(s.columns()), true)
	}
	_, err := s.Stdout.Write(data)
	return err
}

// paint makes headings bold where there is colour: the first line, and, but
// for a table, each that is not indented.
func (s *session) paint(text string, table bool) []byte {
	if !s.colour(s.columns() > 0) {
		return []byte(text)
	}
	var b strings.Builder
	for i, line := range slices.Collect(strings.Lines(text)) {
		end := strings.TrimSuffix(line, "\n")
		if i > 0 && (table || end == "" || end[0] == ' ') {
			b.WriteString(line)
			continue
		}
		b.WriteString("\x1b[1m" + end + "\x1b[0m\n")
	}
	return []byte(b.String())
}

// colour tells whether a terminal is to show colour.
func (e *env) colour(terminal bool) bool {
	return terminal && e.get("NO_COLOR") == "" && e.get("TERM") != "dumb"
}

// columns is how wide the terminal on stdout is; 0 when there is none.
func (s *session) columns() int {
	f, ok := s.Stdout.(interface {
		io.Writer
		Fd() uintptr
	})
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if n, err := strconv.Atoi(s.get("COLUMNS")); err == nil && n > 0 {
		return n
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}

// writeNew writes a file that must not be there yet; - is stdout.
func (s *session) writeNew(name string, data []byte, replace bool) error {
	if name == "-" {
		_, err := s.Stdout.Write(data)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if replace {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o640)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
