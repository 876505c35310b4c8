package bootstrap

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// message is one netlink message with its length set.
func message(typ uint16, data ...byte) []byte {
	b := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(data))
	binary.NativeEndian.PutUint32(b, uint32(len(b)+len(data)))
	binary.NativeEndian.PutUint16(b[4:], typ)
	return append(b, data...)
}

func linkMessage(index, flags uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	return message(unix.RTM_NEWLINK, b...)
}

func addrMessage(index uint32, flags, last byte) []byte {
	b := make([]byte, unix.SizeofIfAddrmsg+8)
	b[0], b[1], b[2] = unix.AF_INET, 24, flags
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint16(b[8:], 8)
	binary.NativeEndian.PutUint16(b[10:], unix.IFA_ADDRESS)
	copy(b[12:], []byte{10, 0, 0, last})
	return message(unix.RTM_NEWADDR, b...)
}

func TestNetlinkTellsNews(t *testing.T) {
	e := &events{links: map[int32]uint32{}, addrs: map[string]byte{}}
	const up = unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP
	for i, c := range []struct {
		name    string
		message []byte
		want    bool
	}{
		{"a link", linkMessage(2, up), true},
		{"the same link: a wireless scan", linkMessage(2, up|unix.IFF_PROMISC), false},
		{"its carrier is lost", linkMessage(2, unix.IFF_UP), true},
		{"its carrier is back", linkMessage(2, up), true},
		{"an address on trial", addrMessage(2, unix.IFA_F_TENTATIVE, 1), true},
		{"the address in use", addrMessage(2, 0, 1), true},
		{"the address with a new lifetime", addrMessage(2, 0, 1), false},
		{"another address", addrMessage(2, 0, 2), true},
		{"the address on another link", addrMessage(3, 0, 1), true},
		{"an address taken away", message(unix.RTM_DELADDR, make([]byte, 8)...), true},
		{"and given again", addrMessage(2, 0, 1), true},
		{"a link taken away", message(unix.RTM_DELLINK, make([]byte, 16)...), true},
		{"a route", message(unix.RTM_NEWROUTE, make([]byte, 12)...), false},
		{"a link cut short", message(unix.RTM_NEWLINK, 1, 2, 3, 4), false},
		{"an address cut short", message(unix.RTM_NEWADDR, 1, 2, 3, 4), false},
		{"a false length", []byte{255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},
		{"two in one", append(linkMessage(2, up), linkMessage(4, up)...), true},
	} {
		if got := e.says(c.message); got != c.want {
			t.Errorf("%d, %s: news %v", i, c.name, got)
		}
	}
}
