package demo

import (
	"context"
	"net"
)

// hold keeps the addresses of a daemon that does not run from others. Whoever
// comes finds nobody.
func (d *daemon) hold(ctx context.Context) (release func()) {
	var held []net.Listener
	for _, address := range []string{d.public, d.admin} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			continue // taken already: the start says so
		}
		held = append(held, l)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_ = conn.Close()
			}
		}()
	}
	return func() {
		for _, l := range held {
			_ = l.Close()
		}
	}
}

// freeAddress finds one that another process can take.
func freeAddress(ctx context.Context) (string, error) {
	l, err := listen(ctx, "")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
