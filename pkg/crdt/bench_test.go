package crdt

import (
	"encoding/binary"
	"testing"
)

// Bodies of 100 operations over 5,000 keys, as the target of one million operations a second counts.
func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name string
		typ  Type
	}{{"PNCounter", PNCounter}, {"GSet", GSet}, {"ORSet", ORSet}, {"LWWRegister", LWWRegister}, {"LWWMap", LWWMap}} {
		b.Run(c.name, func(b *testing.B) {
			const bodies = 1000
			var all [bodies][]Op
			n := uint32(0)
			for i := range all {
				for range 100 {
					n = n*1664525 + 1013904223
					key := binary.BigEndian.AppendUint32(nil, n>>8%5000)
					all[i] = append(all[i], Op{Object: "o", Type: c.typ, Key: key, Value: key, N: 1})
				}
			}
			for b.Loop() {
				var s State
				for i, ops := range all {
					s.Apply(Vertex{Author: [32]byte{byte(i % 5)}, Seq: uint64(i), Lamport: uint64(i)}, ops)
				}
			}
			b.ReportMetric(float64(b.N)*bodies*100/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func BenchmarkDecodeOps(b *testing.B) {
	var ops []Op
	for i := range 100 {
		key := binary.BigEndian.AppendUint32(nil, uint32(i))
		ops = append(ops, Op{Object: "o", Type: LWWMap, Key: key, Value: key})
	}
	body, err := EncodeOps(ops)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := DecodeOps(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "ops/s")
}
