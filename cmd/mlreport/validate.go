package main

import "fmt"

// validateCmd checks a manifest.
type validateCmd struct {
	Manifest string `arg:"" help:"Manifest to check; - for standard input."`
}

// Run reports every mistake at once, or what the manifest asks for.
func (c *validateCmd) Run(s *session) error {
	m, err := s.load(c.Manifest)
	if err != nil {
		return err
	}
	if !s.cli.Quiet {
		fmt.Fprintf(s.Stderr, "%s is valid: %s, %s\n", c.Manifest, counted(len(m.Entries), "entry"), counted(len(m.Hosts), "host"))
	}
	return nil
}
