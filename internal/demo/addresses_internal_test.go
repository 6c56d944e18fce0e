package demo

import (
	"net"
	"testing"
)

func TestTheAddressesOfAKilledDaemonStayItsOwn(t *testing.T) {
	t.Parallel()
	d := &daemon{}
	for _, address := range []*string{&d.public, &d.admin} {
		free, err := freeAddress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		*address = free
	}
	release := d.hold(t.Context())
	for _, address := range []string{d.public, d.admin} {
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			t.Errorf("somebody else could take %s", address)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes came from nobody", n)
		}
		conn.Close()
	}
	release()
	release() // once more does no harm
	for _, address := range []string{d.public, d.admin} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("the daemon cannot take its address: %v", err)
			continue
		}
		l.Close()
	}
}
