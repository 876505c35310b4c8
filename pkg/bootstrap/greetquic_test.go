package bootstrap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/quic"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// voucher is the extension by which a key vouches for the key of a certificate.
func voucher(t *testing.T, by sig.Private, over any) []pkix.Extension {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(over)
	if err != nil {
		t.Fatal(err)
	}
	pub, s := by.Public(), by.Sign(tlsSigned, spki)
	value, err := asn1.Marshal(struct{ Key, Signature []byte }{append([]byte{8, 1, 18, 32}, pub[:]...), s[:]})
	if err != nil {
		t.Fatal(err)
	}
	return []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 1}, Value: value}}
}

// certify makes a certificate of a fresh key, with extensions that change gives.
func certify(t *testing.T, parent *tls.Certificate, extensions func(pub any) []pkix.Extension) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1, 0), ExtraExtensions: extensions(key.Public())}
	by, issuer := any(key), template
	if parent != nil {
		by = parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// quicPeer answers handshakes of QUIC until the test ends, and returns its multiaddr without a peer.
func quicPeer(t *testing.T, cert tls.Certificate, protocol string) string {
	t.Helper()
	e, err := quic.Listen("udp", "127.0.0.1:0", &quic.Config{TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{protocol}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		e.Close(ctx)
	})
	return fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", e.LocalAddr().Port())
}

// A peer that proves its key by QUIC is greeted; whoever shows another key, or one that has not signed, is not.
func TestGreetQUIC(t *testing.T) {
	us, other := sig.FromSeed([32]byte{7}), sig.FromSeed([32]byte{8})
	id := "/p2p/" + list.PeerID(us.Public())
	vouched := func(by sig.Private) func(any) []pkix.Extension {
		return func(pub any) []pkix.Extension { return voucher(t, by, pub) }
	}
	good := certify(t, nil, vouched(us))
	borrowed := certify(t, nil, vouched(us)) // a certificate that was copied: its key is elsewhere
	borrowed.PrivateKey = good.PrivateKey
	foreign := certify(t, nil, func(any) []pkix.Extension { return voucher(t, us, good.PrivateKey.(*ecdsa.PrivateKey).Public()) })
	two := certify(t, nil, vouched(us))
	two.Certificate = append(two.Certificate, good.Certificate[0])
	for _, c := range []struct {
		name     string
		cert     tls.Certificate
		protocol string
		want     error // nil: greeted
	}{
		{"a peer", good, "libp2p", nil},
		{"another peer", certify(t, nil, vouched(other)), "libp2p", sig.ErrVerify},
		{"a key that signed another certificate", foreign, "libp2p", sig.ErrVerify},
		{"a certificate of another issuer", certify(t, &good, vouched(us)), "libp2p", sig.ErrVerify},
		{"no voucher", certify(t, nil, func(any) []pkix.Extension { return nil }), "libp2p", wire.ErrInvalid},
		{"a voucher that is no structure", certify(t, nil, func(any) []pkix.Extension {
			return []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 1}, Value: []byte{5, 0}}}
		}), "libp2p", wire.ErrInvalid},
		{"two certificates", two, "libp2p", wire.ErrInvalid},
		{"a web server", good, "h3", errors.ErrUnsupported},
		{"a borrowed certificate", borrowed, "libp2p", errors.ErrUnsupported},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		err := Greet(ctx, nil, quicPeer(t, c.cert, c.protocol)+id)
		cancel()
		if c.want == errors.ErrUnsupported { // an error of TLS itself
			if err == nil || ctx.Err() == context.DeadlineExceeded {
				t.Errorf("%s: %v", c.name, err)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	dead, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Greet(ctx, nil, fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", dead.LocalAddr().(*net.UDPAddr).Port)+id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
	if err := Greet(t.Context(), &net.Dialer{}, "/ip4/127.0.0.1/udp/1/quic-v1"+id); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("QUIC past a proxy: %v", err)
	}
}

// No byte of a certificate can be changed and another key be read.
func TestCertifiedFlips(t *testing.T) {
	us := sig.FromSeed([32]byte{7})
	der := certify(t, nil, func(pub any) []pkix.Extension { return voucher(t, us, pub) }).Certificate[0]
	if key, err := certified(der); err != nil || key != us.Public() {
		t.Fatal(key, err)
	}
	for i := range der {
		for _, bit := range []byte{1, 128} {
			b := slices.Clone(der)
			b[i] ^= bit
			if key, err := certified(b); err == nil && key != us.Public() {
				t.Fatalf("byte %d: another key", i)
			} else if err == nil {
				t.Fatalf("byte %d is not looked at", i)
			}
		}
	}
	if _, err := certified(append(der, make([]byte, maxTLSCert)...)); !errors.Is(err, wire.ErrInvalid) {
		t.Error(err)
	}
}
