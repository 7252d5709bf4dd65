package main

import (
	"net"
	"syscall"
)

// ackQuickly does what mlreport's own connections do, and for the same reason:
// see pkg/fetch/rest/client_conn_linux.go.
func ackQuickly(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return quickConn{tcp, raw}
}

type quickConn struct {
	*net.TCPConn
	raw syscall.RawConn
}

func (c quickConn) Read(b []byte) (int, error) {
	var set error
	if err := c.raw.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	}); err != nil {
		return 0, err
	}
	if set != nil {
		return 0, set
	}
	return c.TCPConn.Read(b)
}
