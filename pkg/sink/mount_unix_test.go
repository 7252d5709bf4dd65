//go:build unix && !linux

package sink

import "errors"

func mountTiny(string) error { return errors.New("only on Linux") }

func unmount(string) error { return nil }
