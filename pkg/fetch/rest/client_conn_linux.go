package rest

import (
	"net"
	"syscall"
)

// ackQuickly makes the kernel acknowledge what comes in at once.
func ackQuickly(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return &quickConn{TCPConn: tcp, raw: raw}
}

type quickConn struct {
	*net.TCPConn
	raw syscall.RawConn
}

// Read sets the option each time, because the kernel forgets it.
func (c *quickConn) Read(b []byte) (int, error) {
	err := c.raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) //nolint:errcheck,gosec // slower without
	})
	if err != nil {
		return 0, err
	}
	return c.TCPConn.Read(b)
}
