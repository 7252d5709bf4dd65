package mlflow

import "fmt"

// A reason is a sentence with the sentinel that it stands for.
type reason struct {
	text string
	kind error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.kind }

// Reason makes an error that reads as the sentence alone and wraps kind, one
// of the sentinels: for sentences that need no `: not found` behind them.
func Reason(kind error, format string, args ...any) error {
	return &reason{fmt.Sprintf(format, args...), kind}
}

// A marked is an error with the sentinel that it stands for.
type marked struct{ err, kind error }

func (m *marked) Error() string   { return m.err.Error() }
func (m *marked) Unwrap() []error { return []error{m.kind, m.err} }

// Mark makes an error that reads as err and wraps it as well as kind, one of
// the sentinels.
func Mark(kind, err error) error { return &marked{err, kind} }
