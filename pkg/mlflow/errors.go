package mlflow

import "errors"

// The closed set of reasons why an object could not be had. Every backend
// wraps one of them; anything else is a mistake of the program.
var (
	ErrNotFound    = errors.New("not found")       // there is no such object; asking again will not help
	ErrDenied      = errors.New("denied")          // the credentials may not read it (401, 403)
	ErrUnsupported = errors.New("unsupported")     // this store cannot hold or serve it
	ErrTooLarge    = errors.New("too large")       // it, or the batch it was asked in, is over a limit
	ErrUnavailable = errors.New("unavailable")     // no answer, or none that makes sense, after all retries
	ErrOutside     = errors.New("outside")         // a path exists, but outside of what may be read
	ErrInvalid     = errors.New("invalid request") // the question itself is wrong
)

// An Error is what a user reads: what failed, which object, why, and what to
// do about it. It never holds a secret.
type Error struct {
	Op   string // what was tried, such as `reading run 0123...`; may be ""
	Err  error  // wraps one of the sentinels
	Hint string // one sentence that says what to do; may be ""
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Err.Error()
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint returns the first hint in an error's tree, or "".
func Hint(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
