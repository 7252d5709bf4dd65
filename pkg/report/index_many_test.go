package report

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// Those who ask come at once, before any row was read whole; rows of all lengths.
func TestRowsAreFoundByManyAtOnce(t *testing.T) {
	var rows []Row
	for i := range 100 {
		rows = append(rows, Row{
			Entry: i, Status: StatusPartial, URI: fmt.Sprint("models:/m/", i+1), URIs: []string{fmt.Sprint("models:/m/", i+1)}, Host: "h", Model: "m", Version: int64(i + 1), Place: fmt.Sprint("m/", i+1),
			Inventory: Inventory{Owner: strings.Repeat("o", 50*i)},
			Sections:  []string{"run"}, Files: []FileRef{{Path: "p", SHA256: "s", Bytes: 1}},
			Issues: []mlflow.Issue{{Code: "c", Message: "m"}},
		})
	}
	text := emitIndex(t, Index{}, rows...)
	for _, text := range []string{text, strings.ReplaceAll(text, "},{", "},\n\t {"), strings.ReplaceAll(text, "\n", " ")} {
		r, err := ReadIndex(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 8 * len(rows) {
			all.Go(func() {
				want := rows[i%len(rows)]
				got, ok, err := r.ByPlace(want.Place)
				if err != nil || !ok || got.Owner != want.Owner || got.Files[0] != want.Files[0] {
					t.Errorf("%s: found %t, %v, %.200v", want.Place, ok, err, got)
				}
			})
		}
		all.Wait()
	}
}
