package mlflow

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestAReasonIsASentenceWithASentinel(t *testing.T) {
	err := fmt.Errorf("looking: %w", &Error{Err: Reason(ErrNotFound, "there is no run %s", "0123"), Hint: "look elsewhere"})
	if err.Error() != "looking: there is no run 0123" || !errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) || Hint(err) != "look elsewhere" {
		t.Error(err, Hint(err))
	}
}

func TestAMarkedErrorReadsAsItIs(t *testing.T) {
	err := Mark(ErrDenied, fmt.Errorf("open meta.yaml: %w", fs.ErrPermission))
	if err.Error() != "open meta.yaml: permission denied" || !errors.Is(err, ErrDenied) || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}
