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
