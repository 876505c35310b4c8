package dht

import (
	"net"
	"time"
)

func wait(c net.Conn) { time.Sleep(time.Second) }
