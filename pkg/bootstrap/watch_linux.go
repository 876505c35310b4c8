package bootstrap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// events listens to what the kernel says of links and addresses.
type events struct {
	file  *os.File
	links map[int32]uint32 // flags that matter, by index
	addrs map[string]byte  // flags, by interface and address
}

func openEvents() (*events, error) {
	const kind = unix.SOCK_RAW | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	fd, err := unix.Socket(unix.AF_NETLINK, kind, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	groups := &unix.SockaddrNetlink{
		Family: unix.AF_NETLINK,
		Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR,
	}
	if err := unix.Bind(fd, groups); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen to netlink: %w", err)
	}
	file := os.NewFile(uintptr(fd), "netlink")
	return &events{file: file, links: map[int32]uint32{}, addrs: map[string]byte{}}, nil
}

// run calls changed until close. When the kernel had to drop messages, something has changed too.
func (e *events) run(changed func()) {
	b := make([]byte, 1<<16)
	for {
		n, err := e.file.Read(b)
		switch {
		case errors.Is(err, unix.ENOBUFS) || err == nil && e.says(b[:n]):
			changed()
		case err != nil && !errors.Is(err, unix.EINTR):
			return
		}
	}
}

func (e *events) close() { e.file.Close() }

// says reports whether the messages tell anything new. Wireless scans and router advertisements repeat what is known.
func (e *events) says(b []byte) bool {
	list, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return true
	}
	news := false
	for _, m := range list {
		switch m.Header.Type {
		case unix.RTM_NEWLINK:
			news = e.link(m.Data) || news
		case unix.RTM_DELLINK, unix.RTM_DELADDR:
			clear(e.addrs)
			news = true
		case unix.RTM_NEWADDR:
			news = e.addr(m) || news
		}
	}
	return news
}

// link reads struct ifinfomsg. The first word of a link is news.
func (e *events) link(data []byte) bool {
	if len(data) < unix.SizeofIfInfomsg {
		return false
	}
	index := int32(binary.NativeEndian.Uint32(data[4:]))
	flags := binary.NativeEndian.Uint32(data[8:]) & (unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP)
	old, known := e.links[index]
	e.links[index] = flags
	return !known || old != flags
}

// addr reads struct ifaddrmsg and the address itself; a flag such as "tentative" makes a difference, a lifetime does not.
func (e *events) addr(m syscall.NetlinkMessage) bool {
	if len(m.Data) < unix.SizeofIfAddrmsg {
		return false
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(&m)
	if err != nil {
		return true
	}
	key := string(m.Data[:2]) + string(m.Data[4:8])
	for _, a := range attrs {
		if a.Attr.Type == unix.IFA_ADDRESS || a.Attr.Type == unix.IFA_LOCAL {
			key += string(a.Value)
		}
	}
	if len(e.addrs) > 1024 { // privacy addresses come and go for years
		clear(e.addrs)
	}
	old, known := e.addrs[key]
	e.addrs[key] = m.Data[2]
	return !known || old != m.Data[2]
}
