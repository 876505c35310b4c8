package light

import (
	"crypto/sha256"
	"math/bits"
	"runtime"
	"sync"

	blsu "github.com/protolambda/bls12-381-util"
)

// keys are a committee's points, checked to be in the group. Making them costs far more than one signature.
type keys []*blsu.Pubkey

// points decodes all keys, on all processors: it is most of what a first head costs.
func (c *Committee) points() (keys, error) {
	out := make(keys, len(c.Keys))
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < len(out) && errs[w] == nil; i += len(errs) {
				out[i] = new(blsu.Pubkey)
				if err := out[i].Deserialize(&c.Keys[i]); err != nil {
					errs[w] = because(ErrSignature, "key %d of the committee: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SigningRoot is compute_signing_root under DOMAIN_SYNC_COMMITTEE, with the fork of the slot before the signature's.
func (s *Spec) SigningRoot(u *Update) Root {
	version := s.row(s.Epoch(max(u.SigSlot, 1) - 1)).Version
	var v, domain Root
	copy(v[:], version[:])
	fork := pair(v, s.GenesisRoot)
	domain[0] = 7
	copy(domain[4:], fork[:28])
	return pair(u.Attested.Beacon.Root(), domain)
}

// signers counts who signed.
func (u *Update) signers() int {
	n := 0
	for _, b := range u.Bits {
		n += bits.OnesCount8(b)
	}
	return n
}

func (s *Spec) checkSignature(u *Update, of keys) error {
	var who keys
	for i, k := range of {
		if u.Bits[i/8]>>(i%8)&1 == 1 {
			who = append(who, k)
		}
	}
	var sig blsu.Signature
	if err := sig.Deserialize(&u.Signature); err != nil {
		return because(ErrSignature, "no point of the curve")
	}
	root := s.SigningRoot(u)
	if !blsu.FastAggregateVerify(who, root[:], &sig) {
		return because(ErrSignature, "slot %d, %d of %d signers", u.Attested.Beacon.Slot, len(who), len(of))
	}
	return nil
}

// sum identifies a committee's keys.
func (c *Committee) sum() [32]byte { return sha256.Sum256(c.append(nil)) }
