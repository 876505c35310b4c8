package light

import (
	"bytes"
	"testing"
)

func fuzz(f *testing.F, k Kind, decode func(*Spec, []byte) (interface{ encode(*Spec) []byte }, error)) {
	s := mainnet()
	u, _ := updates(f, s, "electra_updates_1422.ssz")
	d, _ := updates(f, s, "deneb_updates_1392.ssz")
	if k == KindBootstrap {
		f.Add(read(f, "electra_bootstrap.ssz"))
		f.Add(read(f, "deneb_bootstrap.ssz"))
	} else {
		f.Add(u[0].Encode(s, k))
		f.Add(d[0].Encode(s, k))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decode(s, b)
		if err == nil && !bytes.Equal(v.encode(s), b) {
			t.Error("another form decodes to the same")
		}
	})
}

type asKind struct {
	*Update
	k Kind
}

func (a asKind) encode(s *Spec) []byte     { return a.Encode(s, a.k) }
func (b *Bootstrap) encode(s *Spec) []byte { return b.Encode(s) }

func FuzzDecodeBootstrap(f *testing.F) {
	fuzz(f, KindBootstrap, func(s *Spec, b []byte) (interface{ encode(*Spec) []byte }, error) { return s.DecodeBootstrap(b) })
}

func FuzzDecodeUpdate(f *testing.F) {
	fuzz(f, KindUpdate, func(s *Spec, b []byte) (interface{ encode(*Spec) []byte }, error) {
		u, err := s.DecodeUpdate(b)
		return asKind{u, KindUpdate}, err
	})
}

func FuzzDecodeFinality(f *testing.F) {
	fuzz(f, KindFinality, func(s *Spec, b []byte) (interface{ encode(*Spec) []byte }, error) {
		u, err := s.DecodeFinality(b)
		return asKind{u, KindFinality}, err
	})
}

func FuzzDecodeOptimistic(f *testing.F) {
	fuzz(f, KindOptimistic, func(s *Spec, b []byte) (interface{ encode(*Spec) []byte }, error) {
		u, err := s.DecodeOptimistic(b)
		return asKind{u, KindOptimistic}, err
	})
}

func FuzzDecodeStore(f *testing.F) {
	s := mainnet()
	f.Add(boot(f, s, "electra_bootstrap.ssz").Export())
	f.Fuzz(func(t *testing.T, b []byte) {
		if st, err := DecodeStore(s, b); err == nil && !bytes.Equal(st.Export(), b) {
			t.Error("another form decodes to the same")
		}
	})
}

func FuzzConvertJSON(f *testing.F) {
	s := mainnet()
	u, _ := updates(f, s, "electra_updates_1422.ssz")
	f.Add(byte(KindUpdate), []byte(jsonOf(u[0])))
	f.Add(byte(KindBootstrap), []byte(`{"data":{"header":{},"current_sync_committee":{}}}`))
	f.Fuzz(func(t *testing.T, k byte, b []byte) {
		k = k%4 + 1
		if out, err := s.ConvertJSON(Kind(k), b); err == nil && len(out) > s.MaxSize(Kind(k)) {
			t.Errorf("%d bytes", len(out))
		}
		SplitJSON(b, 4)
		s.SplitSSZ(b, 4)
	})
}
