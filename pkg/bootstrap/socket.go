package bootstrap

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// socket is one multicast socket for all links of an address family.
type socket interface {
	join(Interface) error
	leave(Interface)
	// read returns the interface's index too, or 0 where the system does not tell it.
	read(b []byte) (n int, from netip.AddrPort, index int, err error)
	write(b []byte, to Interface) error
	Close() error
}

// openSocket shares port 5353 with whatever responder the system runs.
func openSocket(ctx context.Context, network string) (socket, error) {
	conf := net.ListenConfig{Control: share}
	host := "0.0.0.0"
	if network == "udp6" {
		host = "::"
	}
	conn, err := conf.ListenPacket(ctx, network, netip.AddrPortFrom(netip.MustParseAddr(host), mdnsPort).String())
	if err != nil {
		return nil, fmt.Errorf("listen for multicast: %w", err)
	}
	if network == "udp6" {
		return newSocket6(conn), nil
	}
	return newSocket4(conn), nil
}

func netInterface(i Interface) *net.Interface { return &net.Interface{Index: i.Index, Name: i.Name} }

func fromOf(a net.Addr) netip.AddrPort {
	if u, ok := a.(*net.UDPAddr); ok {
		return u.AddrPort()
	}
	return netip.AddrPort{}
}

type socket4 struct{ *ipv4.PacketConn }

// newSocket4 leaves out what a system cannot do: without the control message links are told apart by the sender's address.
func newSocket4(conn net.PacketConn) socket {
	p := ipv4.NewPacketConn(conn)
	_ = p.SetControlMessage(ipv4.FlagInterface, true)
	_ = p.SetMulticastTTL(255)
	_ = p.SetMulticastLoopback(true) // for a second node on this machine
	return socket4{p}
}

func group4() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort} }

func (s socket4) join(i Interface) error { return s.JoinGroup(netInterface(i), group4()) }

func (s socket4) leave(i Interface) { _ = s.LeaveGroup(netInterface(i), group4()) } // it may be gone already

func (s socket4) read(b []byte) (int, netip.AddrPort, int, error) {
	n, cm, from, err := s.ReadFrom(b)
	if cm != nil {
		return n, fromOf(from), cm.IfIndex, err
	}
	return n, fromOf(from), 0, err
}

func (s socket4) write(b []byte, to Interface) error {
	if err := s.SetMulticastInterface(netInterface(to)); err != nil {
		return err
	}
	_, err := s.WriteTo(b, nil, group4())
	return err
}

type socket6 struct{ *ipv6.PacketConn }

func newSocket6(conn net.PacketConn) socket {
	p := ipv6.NewPacketConn(conn)
	_ = p.SetControlMessage(ipv6.FlagInterface, true)
	_ = p.SetMulticastHopLimit(255)
	_ = p.SetMulticastLoopback(true)
	return socket6{p}
}

func group6() *net.UDPAddr { return &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: mdnsPort} }

func (s socket6) join(i Interface) error { return s.JoinGroup(netInterface(i), group6()) }

func (s socket6) leave(i Interface) { _ = s.LeaveGroup(netInterface(i), group6()) }

func (s socket6) read(b []byte) (int, netip.AddrPort, int, error) {
	n, cm, from, err := s.ReadFrom(b)
	if cm != nil {
		return n, fromOf(from), cm.IfIndex, err
	}
	return n, fromOf(from), 0, err
}

func (s socket6) write(b []byte, to Interface) error {
	if err := s.SetMulticastInterface(netInterface(to)); err != nil {
		return err
	}
	_, err := s.WriteTo(b, nil, group6())
	return err
}
