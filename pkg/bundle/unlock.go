package bundle

import (
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Keys are what a reader tries on a file.
type Keys struct {
	Groups      []Key
	Cards       []CardKey
	Passphrases [][]byte // tried last: each costs 64 MiB and a part of a second
	Courier     *Key     // verifies and repairs only
}

// unlock finds the file key in bytes that may begin with a prefix. salt is 32 bytes, 24 in compact form.
func (k *Keys) unlock(b []byte, saltLen int, slow bool) (file Key, at int, ok bool) {
	if len(b) < saltLen+unit {
		return file, 0, false
	}
	salt := b[:saltLen]
	type owner struct {
		shared Key
		card   *CardKey
	}
	tags := make(map[[tagSize]byte]owner, len(k.Groups)+len(k.Cards))
	for _, g := range k.Groups {
		tags[tagOf(g, salt)] = owner{shared: g}
	}
	for i := range k.Cards {
		c := &k.Cards[i]
		tags[tagOf(dropKey(c.Card), salt, c.Device[:]...)] = owner{card: c}
	}
	if slow {
		for _, p := range k.Passphrases {
			s := stretch(p, salt)
			tags[tagOf(s, salt)] = owner{shared: s}
		}
	}
	first := unit
	if saltLen < saltSize {
		first = saltLen
	}
	for at := first; at+unit <= len(b) && len(tags) > 0; at += unit {
		o, hit := tags[[tagSize]byte(b[at:at+tagSize])]
		if !hit {
			continue
		}
		if o.card != nil {
			file, ok = openCard(o.card, salt, b[at:])
		} else {
			file, ok = openShared(o.shared, salt, b[at:at+unit])
		}
		if ok {
			return file, at + unit, true
		}
	}
	return file, 0, false
}

const headBytes = maxPrefix * SectorSize

// readSome reads up to n bytes at off.
func readSome(r io.ReaderAt, size, off int64, n int) ([]byte, error) {
	if off < 0 || off >= size {
		return nil, nil
	}
	b := make([]byte, min(int64(n), size-off))
	got, err := r.ReadAt(b, off)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return b[:got], err
}

// keysAt tries a prefix that begins at off. found is set when its keys are right.
func (f *File) keysAt(keys *Keys, off int64, slow bool) (found bool, err error) {
	b, err := readSome(f.r, f.size, off, headBytes)
	if err != nil || len(b) < saltSize {
		return false, err
	}
	salt := [saltSize]byte(b)
	if string(b[:len(openMagic)]) == openMagic {
		f.take(openKeys(salt), FormOpen)
		return true, nil
	}
	if file, _, ok := keys.unlock(area(b), saltSize, slow); ok {
		f.take(keysOf(file), FormSealed)
		return true, nil
	}
	if keys.Courier != nil {
		f.take(courierKeys(*keys.Courier), FormSealed)
		for p := 1; p <= maxPrefix; p *= 2 {
			if f.sectorAt(off+int64(p)*SectorSize) || f.sectorAt(off-SectorSize) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (f *File) take(k *fileKeys, form string) {
	f.k, f.pool, f.Form = k, newPool(k), form
	if !k.plain && !k.reader {
		f.Form = FormSealed
	}
}

// sectorAt reports whether a good sector stands at off.
func (f *File) sectorAt(off int64) bool {
	b, err := readSome(f.r, f.size, off, SectorSize)
	if err != nil || len(b) < SectorSize {
		return false
	}
	info, ok := f.pool.sealers[0].open(b)
	if ok {
		f.prefix, f.ends = int(info.Prefix), info.Ends
	}
	return ok
}

// open finds the keys: at the front, at the end, as a compact file, then at every sector, for halves that were
// swapped and files with something before them.
func (f *File) open(keys *Keys) error {
	places := []int64{0}
	for p := int64(1); p <= maxPrefix; p *= 2 {
		places = append(places, f.size-p*SectorSize)
	}
	for _, slow := range []bool{false, true} {
		for _, off := range places {
			if found, err := f.keysAt(keys, off, slow); found || err != nil {
				return err
			}
			if off == 0 {
				if found, err := f.compact(keys, slow); found || err != nil {
					return err
				}
			}
			if len(keys.Passphrases) == 0 && slow {
				break
			}
		}
	}
	for off := int64(SectorSize); off < f.size; off += SectorSize {
		if found, err := f.keysAt(keys, off, false); found || err != nil {
			return err
		}
	}
	f.k = nil
	return ErrNotForUs
}

// compact opens a compact file.
func (f *File) compact(keys *Keys, slow bool) (bool, error) {
	if f.size > MaxCompact || f.size < compactSalt+unit+16 {
		return false, nil
	}
	b, err := readSome(f.r, f.size, 0, MaxCompact)
	if err != nil {
		return false, err
	}
	file, end, ok := keys.unlock(b, compactSalt, slow)
	if !ok {
		return false, nil
	}
	key, nonce := compactKeys(file, b[:compactSalt])
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return false, err
	}
	f.Form, f.k = FormCompact, &fileKeys{file: file, reader: true}
	for at := end; at+16 <= len(b); at += unit {
		if body, err := aead.Open(nil, nonce, b[at:], b[:compactSalt]); err == nil {
			f.whole = body
			return true, nil
		}
	}
	return true, nil // for us, and damaged: whole stays nil
}

// FileKey returns F, under which receipts are made; false when only the courier key is known.
func (f *File) FileKey() (Key, bool) { return f.k.file, f.k.reader && !f.k.plain }

// CourierKey returns S; false in compact form.
func (f *File) CourierKey() (Key, bool) { return f.k.sector, f.Form != FormCompact }
