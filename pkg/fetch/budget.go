package fetch

import (
	"errors"
	"fmt"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// answerBytes is how much text the objects of one keyed read may have
// together. What is over it is ErrTooLarge, and Fetch asks its caller for
// smaller chunks: memory is bounded by bytes, not by a guess at how large
// objects are.
const answerBytes = 64 << 20

// A Budget adds up what a keyed read has answered. The zero value is ready; it
// is not safe for concurrent use.
type Budget struct{ used int }

// Add counts an object.
func (b *Budget) Add(v any) { b.used += sizeOf(v) }

// Full tells whether nothing more may be read; some may have been over it.
func (b *Budget) Full() bool { return b.used > answerBytes }

// TooMuch is the error of a key that is not read because of the others.
func TooMuch[K any](k K) error {
	return mlflow.Reason(mlflow.ErrTooLarge, "%v is too large to be read along with others", k)
}

// sizeOf is the memory that the text of an object takes, in bytes.
func sizeOf(v any) int {
	if o, ok := v.(interface{ TextSize() int }); ok {
		return o.TextSize()
	}
	return 0
}

// A TooMuchError says that the objects of a chunk are too large to be read
// together: nothing of it was done, and smaller chunks have to be asked for.
type TooMuchError struct {
	Fit int // about so many targets fit
}

// Error is a sentence; whoever sees it forgot to ask for less.
func (e *TooMuchError) Error() string {
	return fmt.Sprintf("the objects of a chunk are too large to be read together; about %d fit", e.Fit)
}

// tooMuch tells whether something was not read because of its size, which
// fewer targets at once might change.
func (c *chunk) tooMuch() error {
	if len(c.items) == 1 {
		return nil
	}
	fit := len(c.items)
	over := count(c.models, &fit) + count(c.versions, &fit) + count(c.logged, &fit) + count(c.runs, &fit) + count(c.experiments, &fit)
	if over > 0 {
		return &TooMuchError{fit}
	}
	return nil
}

// count counts what was too large, and lowers fit to how many were not.
func count[K comparable, V any](r Results[K, V], fit *int) (over int) {
	for _, v := range r {
		if errors.Is(v.Err, mlflow.ErrTooLarge) {
			over++
		}
	}
	if over > 0 {
		*fit = min(*fit, len(r)-over)
	}
	return over
}
