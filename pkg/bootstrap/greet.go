package bootstrap

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/crypto/chacha20poly1305"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	noiseName   = "Noise_XX_25519_ChaChaPoly_SHA256"
	noiseSigned = "noise-libp2p-static-key:" // what the identity signs, with the static key after it
	noiseHello  = "\x13/multistream/1.0.0\n\x07/noise\n"
	maxNoise    = 4096
)

// Greet dials the multiaddr of a libp2p peer, by TCP or QUIC, and returns when the peer has proven the key of its id: by TCP after the
// second of the three messages of the handshake (specs.libp2p.io/noise), by QUIC with that of TLS. Then it hangs up; what we are is
// not told. d may be nil; where it is not, it dials, and QUIC is refused.
func Greet(ctx context.Context, d exchange.Dialer, addr string) error {
	m, err := ma.NewMultiaddr(addr)
	if err != nil {
		return wire.Invalid("greet: %v", err)
	}
	id, err := m.ValueForProtocol(ma.P_P2P)
	if err != nil {
		return wire.Invalid("greet: %v", err)
	}
	base, _ := ma.SplitFunc(m, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
	path, quic := ma.SplitFunc(base, func(c ma.Component) bool { return c.Protocol().Code == ma.P_QUIC_V1 })
	network, at, err := manet.DialArgs(path)
	var key sig.Public
	switch {
	case err == nil && len(quic) == 1 && strings.HasPrefix(network, "udp") && d == nil:
		key, err = greetQUIC(ctx, at)
	case err == nil && len(quic) == 0 && strings.HasPrefix(network, "tcp"):
		key, err = greetTCP(ctx, d, at)
	default:
		return wire.Invalid("greet: %s is no address that can be greeted", addr)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && list.PeerID(key) != id {
		err = fmt.Errorf("another peer answers there: %w", sig.ErrVerify)
	}
	return err
}

func greetTCP(ctx context.Context, d exchange.Dialer, at string) (key sig.Public, err error) {
	if d == nil {
		d = &net.Dialer{}
	}
	c, err := d.DialContext(ctx, "tcp", at)
	if err != nil {
		return key, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	e, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return key, err
	}
	return greet(c, e)
}

// greet is the side that begins, up to the proof of the other's key.
func greet(c io.ReadWriter, e *ecdh.PrivateKey) (key sig.Public, err error) {
	n := noise{h: []byte(noiseName), ck: []byte(noiseName)}
	n.mix(nil) // prologue
	pub := e.PublicKey().Bytes()
	n.mix(pub)
	n.mix(nil) // payload
	if _, err := c.Write(append([]byte(noiseHello+"\x00\x20"), pub...)); err != nil {
		return key, err
	}
	hello := make([]byte, len(noiseHello)+2)
	if _, err := io.ReadFull(c, hello); err != nil {
		return key, err
	}
	size := int(binary.BigEndian.Uint16(hello[len(noiseHello):]))
	if string(hello[:len(noiseHello)]) != noiseHello || size < 32+48+16 || size > maxNoise {
		return key, wire.Invalid("what answers there is no peer")
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(c, b); err != nil {
		return key, err
	}
	n.mix(b[:32])
	if err := n.exchange(e, b[:32]); err != nil {
		return key, err
	}
	static, err := n.open(b[32:80])
	if err != nil {
		return key, err
	}
	if err := n.exchange(e, static); err != nil {
		return key, err
	}
	payload, err := n.open(b[80:])
	if err != nil {
		return key, err
	}
	return signedBy(payload, static)
}

// noise is the symmetric state of a handshake of which nothing is sent under a key.
type noise struct {
	h, ck []byte
	aead  cipher.AEAD
}

func (n *noise) mix(data []byte) {
	h := sha256.Sum256(append(bytes.Clone(n.h), data...))
	n.h = h[:]
}

// exchange mixes in what our key and another make.
func (n *noise) exchange(ours *ecdh.PrivateKey, theirs []byte) error {
	pub, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return wire.Invalid("key of the handshake: %v", err)
	}
	secret, err := ours.ECDH(pub)
	if err != nil {
		return wire.Invalid("key of the handshake: %v", err)
	}
	t := mac(n.ck, secret)
	n.ck = mac(t, []byte{1})
	n.aead, err = chacha20poly1305.New(mac(t, append(bytes.Clone(n.ck), 2)))
	return err
}

func mac(key, data []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(data)
	return m.Sum(nil)
}

// open decrypts the one message under the present key.
func (n *noise) open(sealed []byte) ([]byte, error) {
	out, err := n.aead.Open(nil, make([]byte, 12), sealed, n.h)
	if err != nil {
		return nil, fmt.Errorf("the handshake does not hold: %w", sig.ErrVerify)
	}
	n.mix(sealed)
	return out, nil
}

// signedBy reads NoiseHandshakePayload{1: key, 2: signature} and returns the key that signed the static one.
func signedBy(payload, static []byte) (key sig.Public, err error) {
	var named, signed []byte
	for b := payload; len(b) > 0; {
		field, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return key, wire.Invalid("payload of the handshake")
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(field, typ, b)
		if size < 0 {
			return key, wire.Invalid("payload of the handshake")
		}
		if v, n := protowire.ConsumeBytes(b); typ == protowire.BytesType && n == size {
			switch field {
			case 1:
				named = v
			case 2:
				signed = v
			}
		}
		b = b[size:]
	}
	if key, err = peerKey(named, signed); err != nil {
		return key, err
	}
	if !sig.Verify(key, noiseSigned, static, sig.Signature(signed)) {
		return key, fmt.Errorf("the peer's key has not signed the handshake: %w", sig.ErrVerify)
	}
	return key, nil
}

// peerKey reads PublicKey{1: Ed25519, 2: key}, beside a signature of its length.
func peerKey(named, signed []byte) (key sig.Public, err error) {
	raw, ok := bytes.CutPrefix(named, []byte{8, 1, 18, 32})
	if !ok || len(raw) != 32 || len(signed) != 64 {
		return key, wire.Invalid("the peer has no Ed25519 key")
	}
	return sig.Public(raw), nil
}
