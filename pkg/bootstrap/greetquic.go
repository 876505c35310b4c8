package bootstrap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net"
	"time"

	"golang.org/x/net/quic"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	tlsSigned  = "libp2p-tls-handshake:" // what the identity signs, with the certificate's key after it
	maxTLSCert = 4096
	hangUp     = 100 * time.Millisecond // to tell the peer that the greeting is over
)

// greetQUIC opens a connection of QUIC at an address of UDP, and returns the key that the peer has proven in its handshake
// (specs.libp2p.io/tls): the certificate's key signs the handshake, the peer's key that of the certificate. No certificate of ours is sent.
func greetQUIC(ctx context.Context, at string) (key sig.Public, err error) {
	to, err := net.ResolveUDPAddr("udp", at)
	if err != nil {
		return key, err
	}
	e, err := quic.Listen("udp", ":0", nil)
	if err != nil {
		return key, err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangUp)
		defer cancel()
		e.Close(end)
	}()
	// The time in the certificate is not looked at: it is made for one run of the peer, and our clock may be wrong.
	conf := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"libp2p"}, InsecureSkipVerify: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) (err error) {
			if len(raw) != 1 {
				return wire.Invalid("the peer has %d certificates", len(raw))
			}
			key, err = certified(raw[0])
			return err
		}}
	// What a peer may send before the greeting is over is bounded by the handshake's own messages.
	_, err = e.Dial(ctx, "udp", to.String(), &quic.Config{TLSConfig: conf, MaxBidiRemoteStreams: -1, MaxUniRemoteStreams: -1, MaxConnReadBufferSize: -1})
	return key, err
}

// certified reads a certificate of a libp2p peer, and returns the key that vouches for it.
func certified(der []byte) (key sig.Public, err error) {
	if len(der) > maxTLSCert {
		return key, wire.Invalid("a certificate of %d bytes", len(der))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return key, wire.Invalid("the peer's certificate: %v", err)
	}
	var signed struct{ Key, Signature []byte }
	for _, x := range cert.Extensions {
		if !x.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 1}) {
			continue
		}
		if rest, err := asn1.Unmarshal(x.Value, &signed); err != nil || len(rest) > 0 {
			return key, wire.Invalid("the peer's certificate names no key")
		}
	}
	if key, err = peerKey(signed.Key, signed.Signature); err != nil {
		return key, err
	}
	if cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
		return key, fmt.Errorf("the peer's certificate is not its own: %w", sig.ErrVerify)
	}
	if !sig.Verify(key, tlsSigned, cert.RawSubjectPublicKeyInfo, sig.Signature(signed.Signature)) {
		return key, fmt.Errorf("the peer's key has not signed the certificate: %w", sig.ErrVerify)
	}
	return key, nil
}
