//go:build interop

package interop

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var _ = role("dns-ech", dnsECH)

const echAddr = "127.0.53.30:443"

// echKey makes a key and the list of configurations that an HTTPS record carries.
func echKey(public string) (tls.EncryptedClientHelloKey, []byte, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return tls.EncryptedClientHelloKey{}, nil, err
	}
	pub := key.PublicKey().Bytes()
	c := append(binary.BigEndian.AppendUint16([]byte{9, 0, 0x20}, uint16(len(pub))), pub...)
	c = append(append(c, 0, 4, 0, 1, 0, 1, 32, byte(len(public))), public...)
	c = append(c, 0, 0)
	conf := append(binary.BigEndian.AppendUint16([]byte{0xfe, 0x0d}, uint16(len(c))), c...)
	return tls.EncryptedClientHelloKey{Config: conf, PrivateKey: key.Bytes(), SendAsRetry: true},
		append(binary.BigEndian.AppendUint16(nil, uint16(len(conf))), conf...), nil
}

// labCertificate is one of the lab's authority for the names.
func labCertificate(names ...string) (tls.Certificate, error) {
	ca, err := tls.LoadX509KeyPair(inLab("ca.pem"), inLab("ca.key"))
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(7), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, x, ca.Leaf, &key.PublicKey, ca.PrivateKey)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// dnsECH publishes a key in a signed zone, serves DoH that passes on to unbound, and looks a name up through it with the
// server's name hidden.
func dnsECH([]string) error {
	key, list, err := echKey("cover.pars.test")
	if err != nil {
		return err
	}
	cert, err := labCertificate("secret.pars.test", "cover.pars.test")
	if err != nil {
		return err
	}
	tsig, err := os.ReadFile(inLab("tsig"))
	if err != nil {
		return err
	}
	cmd := exec.Command("nsupdate", "-y", strings.TrimSpace(string(tsig)))
	cmd.Stdin = strings.NewReader("server 127.0.53.3\nzone pars.test.\nupdate add secret.pars.test. 300 HTTPS 1 . ech=" + base64.StdEncoding.EncodeToString(list) +
		"\nupdate add naked.pars.test. 300 HTTPS 1 . alpn=h2\nsend\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nsupdate: %w: %s", err, out)
	}
	for range 100 { // until named has signed it
		m, err := dns.Exchange(new(dns.Msg).SetQuestion("secret.pars.test.", dns.TypeHTTPS), "127.0.53.3:53")
		if err == nil && len(m.Answer) > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond) // sleep: named signs on the side
	}
	var hidden, open atomic.Int32
	l, err := tls.Listen("tcp", echAddr, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"},
		EncryptedClientHelloKeys: []tls.EncryptedClientHelloKey{key},
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.ECHAccepted && s.ServerName == "secret.pars.test" {
				hidden.Add(1)
			} else {
				open.Add(1)
			}
			return nil
		}})
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(relay)}
	go srv.Serve(l)
	defer srv.Close()
	server := func(name string) string { return "https://" + name + "/dns-query#dial=" + echAddr + "&ech=auto" }
	args := []string{"lookup", "www.pars.test", "TXT", "--profile", "devnet", "--anchor", inLab("root.ds"), "--ca", inLab("ca.pem"), "--server"}
	for _, c := range []struct{ server, other string }{{server("secret.pars.test"), unboundAddr}, {server("naked.pars.test"), unboundAddr}, {server("secret.pars.test"), ""}} {
		more := append(args[:len(args):len(args)], c.server)
		if c.other != "" {
			more = append(more, "--server", c.other)
		}
		if err := roles["pars-bootstrap"](more); err != nil {
			return err
		}
		fmt.Printf("hidden %d, open %d\n", hidden.Load(), open.Load())
	}
	return nil
}

// relay passes a DNS message on to unbound.
func relay(w http.ResponseWriter, r *http.Request) {
	q, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
	if r.Method == http.MethodPost {
		q, err = io.ReadAll(io.LimitReader(r.Body, 4096))
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	conn, err := net.Dial("tcp", unboundAddr+":53")
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer conn.Close()
	c := &dns.Conn{Conn: conn}
	if _, err := c.Write(q); err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/dns-message")
	w.Write(buf[:n])
}

func TestDNSECH(t *testing.T) {
	out := NewDNSLab(t).Run("dns-ech")
	want := []string{"SECURE\nexit 0\nhidden 1, open 0\n", "no key to hide the name naked.pars.test: its HTTPS record has none", "no other server to ask"}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("want %q", w)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(out), "hidden 1, open 0") {
		t.Error("a name was sent in the clear")
	}
}
