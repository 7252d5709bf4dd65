package main

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/mlreport/mlreport/pkg/batch"
	"github.com/mlreport/mlreport/pkg/mlflow"
)

// withRecords is the environment for --log-format json: then each line of
// Stderr is one JSON object, whoever says it, a mistake in the command line
// included; so the option is looked for before the command line is read. What
// matters to machines is told to records with its parts; all else that is said
// on Stderr becomes a record line by line. The func says what is left.
func (e *env) withRecords(args []string) (*env, func()) {
	if !wantsRecords(args) {
		return e, func() {}
	}
	o := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Value = slog.TimeValue(e.Now().UTC())
		}
		return a
	}}
	own := *e
	own.records = slog.New(slog.NewJSONHandler(e.Stderr, o))
	lines := &recordLines{log: own.records}
	own.Stderr, own.Terminal = lines, false
	return &own, lines.flush
}

func wantsRecords(args []string) bool {
	i := slices.Index(args, "--log-format")
	return slices.Contains(args, "--log-format=json") || i >= 0 && i+1 < len(args) && args[i+1] == "json"
}

// recordLines makes a record of each line that is written to it.
type recordLines struct {
	log *slog.Logger

	mu   sync.Mutex
	part []byte
}

func (r *recordLines) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.part = append(r.part, b...)
	for {
		line, rest, ok := bytes.Cut(r.part, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		r.say(string(line))
		r.part = bytes.Clone(rest)
	}
}

// flush says what was written without an end of line.
func (r *recordLines) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.say(string(r.part))
	r.part = nil
}

func (r *recordLines) say(line string) {
	line = strings.TrimSpace(strings.TrimPrefix(line, "mlreport: "))
	level := slog.LevelInfo
	if text, ok := strings.CutPrefix(line, "error: "); ok {
		line, level = text, slog.LevelError
	}
	if line != "" {
		r.log.Log(context.Background(), level, line)
	}
}

// logger is what libraries say: on a terminal and in text what fails only,
// since the end of a command sums up the rest.
func (s *session) logger() *slog.Logger {
	level := slog.LevelError
	switch {
	case s.cli.Verbose:
		level = slog.LevelDebug
	case s.records != nil && !s.cli.Quiet:
		level = slog.LevelWarn
	}
	if s.records != nil {
		return slog.New(leveled{s.records.Handler(), level})
	}
	return slog.New(slog.NewTextHandler(s.Stderr, &slog.HandlerOptions{Level: level}))
}

// leveled is a handler that leaves out what is below a level.
type leveled struct {
	slog.Handler
	least slog.Level
}

func (l leveled) Enabled(_ context.Context, level slog.Level) bool { return level >= l.least }

func (l leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{l.Handler.WithAttrs(attrs), l.least}
}

func (l leveled) WithGroup(name string) slog.Handler {
	return leveled{l.Handler.WithGroup(name), l.least}
}

// recordError tells an error with its hint and the exit code that follows.
func (e *env) recordError(err error, code int) {
	attrs := []any{"exit_code", code}
	if hint := mlflow.Hint(err); hint != "" {
		attrs = append(attrs, "hint", hint)
	}
	e.records.Error(err.Error(), attrs...)
}

// recordProblems tells what is missing of one entry: a record for each gap,
// and what the stores said about it.
func (e *env) recordProblems(b batch.Event) {
	var causes, hints []string
	for _, err := range b.Problems {
		causes = append(causes, err.Error())
		if hint := mlflow.Hint(err); hint != "" && !slices.Contains(hints, hint) {
			hints = append(hints, hint)
		}
	}
	level := slog.LevelWarn
	if b.Failed {
		level = slog.LevelError
	}
	for _, i := range b.Row.Issues {
		if i.Level != mlflow.Gap || slices.Contains(b.Known, i) {
			continue
		}
		attrs := []any{"uri", b.Row.URI, "host", b.Row.Host, "status", b.Row.Status, "section", i.Section, "code", i.Code}
		if len(causes) > 0 {
			attrs = append(attrs, "causes", causes)
		}
		if len(hints) > 0 {
			attrs = append(attrs, "hints", hints)
		}
		e.records.Log(context.Background(), level, i.Message, attrs...)
	}
}
