package storetest

import (
	"bytes"
	"maps"
	"slices"
)

// Variants is the number of ways Torn knows.
const Variants = 16

const sector = 512

// Torn returns the disk as it may be found after power was lost: which names survived and how much of what was not
// synced. The variants go from "nothing of it" to "all of it" through every kind of half.
func (d *Disk) Torn(variant int) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := NewDisk()
	done := map[*inode]*inode{}
	for name, f := range d.tornNames(variant) {
		if done[f] == nil {
			data := f.synced
			if !bytes.Equal(f.data, f.synced) {
				data = tear(f.synced, f.data, variant)
			}
			done[f] = &inode{data, data}
		}
		out.names[name] = done[f]
	}
	out.safe = maps.Clone(out.names)
	return out
}

// tornNames chooses between the names that were synced and those that programs saw last.
func (d *Disk) tornNames(variant int) map[string]*inode {
	switch variant {
	case 0, 9, 10, 11: // no create, rename or remove since the last sync
		return d.safe
	case 14: // created names are missing, the rest is done
		names := maps.Clone(d.names)
		maps.DeleteFunc(names, func(n string, _ *inode) bool { return d.safe[n] == nil })
		return names
	case 15: // every second change
		return d.everySecond()
	}
	return d.names
}

func (d *Disk) everySecond() map[string]*inode {
	all := maps.Clone(d.safe)
	maps.Copy(all, d.names)
	for i, n := range slices.Sorted(maps.Keys(all)) {
		from := d.names
		if i%2 == 1 {
			from = d.safe
		}
		if delete(all, n); from[n] != nil {
			all[n] = from[n]
		}
	}
	return all
}

// tear mixes the old and the new content of one file.
func tear(old, data []byte, variant int) []byte {
	half := len(data) / 2
	switch variant {
	case 0, 8: // nothing
		return old
	case 2, 10: // the front, cut in the middle of a sector
		return slices.Clone(data[:min(half|1, len(data))])
	case 3: // the back
		return over(old, data, half, len(data))
	case 4: // the first sector alone
		return over(old, data, 0, sector)
	case 5: // one in the middle
		return over(old, data, half/sector*sector, half/sector*sector+sector)
	case 6: // the last
		return over(old, data, (len(data)-1)/sector*sector, len(data))
	case 7, 11: // length without content
		return make([]byte, len(data))
	case 12: // empty
		return []byte{}
	case 13: // all but the first sector
		return over(old, data, sector, len(data))
	}
	return data
}

// over lays data[from:to] over the old content, zeros where there was none.
func over(old, data []byte, from, to int) []byte {
	out := make([]byte, len(data))
	copy(out, old)
	if from < min(to, len(data)) {
		copy(out[from:min(to, len(data))], data[from:])
	}
	return out
}
