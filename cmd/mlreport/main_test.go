package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// stillClock makes the program of a script see no time pass, so that what it
// says is the same each time.
const stillClock = "TEST_STILL_CLOCK"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mlreport": func() {
		e := processEnv()
		e.Program = "mlreport"
		if e.get(stillClock) != "" {
			now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
			e.Now = func() time.Time { return now }
		}
		os.Exit(run(e, os.Args[1:]))
	}})
}
