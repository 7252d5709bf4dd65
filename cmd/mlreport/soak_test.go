package main

import "os"

// soak is how often a test tries what it leaves to chance: a few times in
// `make test`, many times in `make soak`, which sets MLREPORT_SOAK.
func soak(few, many int) int {
	if os.Getenv("MLREPORT_SOAK") != "" {
		return many
	}
	return few
}
