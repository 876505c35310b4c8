package dht

import _ "net"
