//go:build !linux

package rest

import "net"

const acksQuickly = false

// ackQuickly needs an option that only Linux has.
func ackQuickly(conn net.Conn) net.Conn { return conn }
