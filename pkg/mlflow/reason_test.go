package mlflow

import (
	"errors"
	"fmt"
	"testing"
)

func TestAReasonIsASentenceWithASentinel(t *testing.T) {
	err := fmt.Errorf("looking: %w", &Error{Err: Reason(ErrNotFound, "there is no run %s", "0123"), Hint: "look elsewhere"})
	if err.Error() != "looking: there is no run 0123" || !errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) || Hint(err) != "look elsewhere" {
		t.Error(err, Hint(err))
	}
}
