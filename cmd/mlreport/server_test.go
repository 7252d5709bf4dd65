package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/mlreport/mlreport/pkg/fetch/rest"
)

// Somebody who waits at a terminal is told soon that nobody answers; a batch
// tries as often as it may.
func TestOnlySomebodyAtATerminalIsToldWithinTenSeconds(t *testing.T) {
	for _, c := range []struct {
		patience string
		terminal bool
		want     time.Duration
	}{{"auto", true, 10 * time.Second}, {"auto", false, 0}, {"interactive", false, 10 * time.Second}, {"batch", true, 0}} {
		s := &session{env: &env{Stderr: &bytes.Buffer{}, Terminal: c.terminal, Lookup: func(string) (string, bool) { return "", false }}, cli: &cli{Patience: c.patience}}
		var o rest.Options
		if err := s.fillLimits(&o); err != nil || o.Patience != c.want {
			t.Errorf("--patience %s, terminal %v: %s, want %s (%v)", c.patience, c.terminal, o.Patience, c.want, err)
		}
	}
}
