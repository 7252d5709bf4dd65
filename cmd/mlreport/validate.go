package main

import (
	"fmt"
	"strings"
)

// validateCmd checks a manifest.
type validateCmd struct {
	Manifest []string `arg:"" help:"Manifest to check; - for standard input. Several make one tree."`
}

// Run reports every mistake at once, or what the manifest asks for.
func (c *validateCmd) Run(s *session) error {
	m, err := s.load(c.Manifest...)
	if err != nil {
		return err
	}
	if !s.cli.Quiet {
		names := make([]string, len(c.Manifest))
		for i, name := range c.Manifest {
			names[i] = manifestName(name)
		}
		hosts := "the host of the environment"
		if len(m.Hosts) > 0 {
			hosts = counted(len(m.Hosts), "host")
		}
		fmt.Fprintf(s.Stderr, "%s %s valid: %s, %s\n", strings.Join(names, ", "), map[bool]string{true: "is", false: "are"}[len(names) == 1], counted(len(m.Entries), "entry"), hosts)
	}
	return nil
}
