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
		hosts := "the host of the environment"
		if len(m.Hosts) > 0 {
			hosts = counted(len(m.Hosts), "host")
		}
		fmt.Fprintf(s.Stderr, "%s is valid: %s, %s\n", manifestName(c.Manifest), counted(len(m.Entries), "entry"), hosts)
	}
	return nil
}
