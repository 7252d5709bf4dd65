//go:build !unix

package sqlstore

// writable is not known before it is tried; SQLite's refusal leads to a copy,
// too.
func writable(string) bool { return true }
