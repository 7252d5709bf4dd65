package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
)

// profiles starts the profiles that hidden flags ask for; the func ends them.
func (c *cli) profiles() (stop func() error, err error) {
	cpu := func() error { return nil }
	if c.CPUProfile != "" {
		f, err := os.Create(c.CPUProfile)
		if err != nil {
			return nil, fmt.Errorf("--cpuprofile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, errors.Join(fmt.Errorf("--cpuprofile: %w", err), f.Close())
		}
		cpu = func() error { pprof.StopCPUProfile(); return f.Close() }
	}
	return func() error { return errors.Join(cpu(), c.heapProfile()) }, nil
}

func (c *cli) heapProfile() error {
	if c.MemProfile == "" {
		return nil
	}
	f, err := os.Create(c.MemProfile)
	if err != nil {
		return fmt.Errorf("--memprofile: %w", err)
	}
	runtime.GC() // so that the profile shows what is still in use
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
