//go:build interop

package interop

import (
	"testing"
	"time"
)

// TestLANRoad: a node on the same cable is found with no server, and with every name dark.
func TestLANRoad(t *testing.T) {
	net := NewNet(t, 2)
	one := net.Start(0, "mdns", peerID("A"))
	one.Wait("ready", 5*time.Second)
	two := net.Start(1, "pars-bootstrap", "resolve", "--profile", "devnet", "--home", t.TempDir(), "--server", "10.77.0.99", "--json")
	took := two.Wait(`"peer_id":"`+peerID("A")+`","road":"lan","class":"hint"`, 15*time.Second)
	t.Logf("found after %v", took)
	three := net.Start(1, "pars-bootstrap", "explain", "--profile", "devnet", "--home", t.TempDir(), "--server", "10.77.0.99")
	three.Wait("lan\tok", 15*time.Second)
	one.Stop()
}
