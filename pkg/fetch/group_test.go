package fetch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mlreport/mlreport/pkg/fetch"
)

// A panic in a goroutine would end the process.
func TestAPanicCostsTheKeyThatItMet(t *testing.T) {
	got, err := fetch.Each(t.Context(), []string{"a", "b", "c"}, 2, func(_ context.Context, k string) (string, error) {
		if k == "b" {
			panic("a slip")
		}
		return k, nil
	})
	want := "mlreport made a mistake with b, please report it: a slip"
	if err != nil || got["a"].Value != "a" || got["c"].Value != "c" || got["b"].Err == nil || got["b"].Err.Error() != want {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAPanicInAGroupReachesWhoWaits(t *testing.T) {
	g, ctx := fetch.NewGroup(t.Context(), 2)
	g.Go(func() error { panic("a slip") })
	g.Go(func() error { <-ctx.Done(); return errors.New("ended by the panic") })
	defer func() {
		if p := recover(); p != "a slip" {
			t.Errorf("recovered %v", p)
		}
	}()
	t.Errorf("Wait returned %v", g.Wait())
}
