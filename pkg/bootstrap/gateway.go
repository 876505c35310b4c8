package bootstrap

import (
	"bufio"
	"encoding/hex"
	"net"
	"os"
	"strings"
)

// GatewayMAC reads the hardware address of the default gateway where the system shows it; else it is empty.
func GatewayMAC() []byte {
	gateway := ""
	eachLine("/proc/net/route", func(f []string) {
		if len(f) > 2 && f[1] == "00000000" && gateway == "" {
			if b, err := hex.DecodeString(f[2]); err == nil && len(b) == 4 {
				gateway = net.IPv4(b[3], b[2], b[1], b[0]).String()
			}
		}
	})
	var mac net.HardwareAddr
	eachLine("/proc/net/arp", func(f []string) {
		if len(f) > 3 && f[0] == gateway {
			mac, _ = net.ParseMAC(f[3]) // stays nil where it is none
		}
	})
	return mac
}

func eachLine(name string, visit func(fields []string)) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		visit(strings.Fields(s.Text()))
	}
}
