package main

// nameMutants are faults in what checks names of Handshake and ENS.
func nameMutants() []mutant {
	const hns, ens = "pkg/bootstrap/hns", "pkg/bootstrap/ens"
	return []mutant{
		{"hns: work not checked", "pkg/bootstrap/hns/core.go", "new(big.Int).SetBytes(hash[:]).Cmp(t) > 0", "new(big.Int).SetBytes(hash[:]).Cmp(t) > 1", hns, "TestAddRefuses|TestSyncLiars"},
		{"hns: target not the rule's", "pkg/bootstrap/hns/core.go", "ok && h.Bits != bits {", "ok && h.Bits < bits {", hns, "TestRetarget"},
		{"hns: time not after the median", "pkg/bootstrap/hns/core.go", "h.Time <= after {", "h.Time < after {", hns, "TestAddRefuses"},
		{"hns: blocks of the future", "pkg/bootstrap/hns/core.go", "+future {", "+2*future {", hns, "TestAddRefuses"},
		{"hns: pins not held", "pkg/bootstrap/hns/core.go", "ok && pin != hash {", "ok && pin == hash {", hns, "TestAddRefuses"},
		{"hns: reorg without end", "pkg/bootstrap/hns/core.go", "case prev.height+MaxReorg < c.tip.height, prev.height < c.floor:", "case prev.height+2*MaxReorg < c.tip.height, prev.height < c.floor:", hns, "TestReorg"},
		{"hns: a branch below the checkpoint", "pkg/bootstrap/hns/core.go", "< c.tip.height, prev.height < c.floor:", "< c.tip.height, prev.height < 0:", hns, "TestNoBranchBelowTheCheckpoint"},
		{"hns: branches not bounded", "pkg/bootstrap/hns/core.go", "prev != c.tip && c.side() >= maxSide", "prev == c.tip && c.side() >= maxSide", hns, "TestBranchesAreBounded"},
		{"hns: the later of equal branches wins", "pkg/bootstrap/hns/core.go", "e.work.Cmp(c.tip.work) > 0", "e.work.Cmp(c.tip.work) >= 0", hns, "TestEqualWorkStays"},
		{"hns: a root on eleven blocks", "pkg/bootstrap/hns/core.go", "mod >= confirmed", "mod >= confirmed-1", hns, "TestSafeRoot"},
		{"hns: spare bits of the bitmap", "pkg/bootstrap/hns/urkel.go", "case !spare(Bits{count, bitmap}):", "case count > 512:", hns, "TestProofFlips|FuzzDecodeProof"},
		{"hns: path not compared", "pkg/bootstrap/hns/urkel.go", "!n.Prefix.at(key, depth)", "depth < 0", hns, "TestProofOfAnotherPath"},
		{"hns: own leaf as another's", "pkg/bootstrap/hns/urkel.go", "if p.Key == key {", "if p.Key == root {", hns, "TestProofOfAbsence"},
		{"hns: short where the key goes on", "pkg/bootstrap/hns/urkel.go", "if p.Prefix.at(key, p.Depth) {", "if p.Prefix.at(key, p.Depth) && p.Depth > 300 {", hns, "TestProofDoesNotStopShort"},
		{"hns: root not compared", "pkg/bootstrap/hns/urkel.go", "case at != root:", "case at == root && depth > 0:", hns, "TestProof"},
		{"hns: a peer may talk for ever", "pkg/bootstrap/hns/message.go", "*budget < 0 {", "*budget < -1<<40 {", hns, "TestSyncLiars"},
		{"hns: answers not bounded", "pkg/bootstrap/hns/message.go", "size > int64(limit(cmd))", "size > int64(maxPacket)", hns, "TestPacketLimits"},
		{"hns: other networks", "pkg/bootstrap/hns/message.go", "; got != magic {", "; got == 0 {", hns, "TestSyncLiars"},
		{"hns: pointers may go ahead", "pkg/bootstrap/hns/resource.go", "to >= limit ||", "to >= len(all)+limit-limit ||", hns, "TestResourceRefuses"},
		{"hns: state's sum not checked", "pkg/bootstrap/hns/state.go", "if sha256.Sum256(body) != [32]byte(b[len(body):]) {", "if sha256.Sum256(body) == [32]byte(b[:32]) {", hns, "TestStateRefuses"},
		{"hns: deep branch never wins", "pkg/bootstrap/hns/client.go", "chain.Work().Cmp(ours.Work()) > 0", "chain.Work().Cmp(ours.Work()) > 9", hns, "TestSyncDeepFork"},
		{"hns: deep branch always wins", "pkg/bootstrap/hns/client.go", "chain.Work().Cmp(ours.Work()) > 0", "chain.Work().Cmp(ours.Work()) != 0", hns, "TestSyncDeepFork"},
		{"hns: a slip's root is too new", "pkg/bootstrap/hns/slip.go", "ok && b.Height <= safe.Height", "ok && b.Height <= safe.Height+99", hns, "TestSlipRoots"},
		{"ens: gateway in another's name", "pkg/bootstrap/ens/offchain.go", "case o.Sender != to:", "case o.Sender == (Address{}):", ens, "TestOffchainRefuses"},
		{"ens: gateways without end", "pkg/bootstrap/ens/offchain.go", "case hop >= maxHops:", "case hop >= 1000:", ens, "TestOffchainHops"},
		{"ens: gateways on private addresses", "pkg/bootstrap/ens/gateway.go", "a.IsPrivate() || shared(a)", "shared(a)", ens, "TestPublicOnly"},
		{"ens: gateways by http", "pkg/bootstrap/ens/gateway.go", "u.Scheme != \"https\"", "u.Scheme == \"\"", ens, "TestOffchainRefuses"},
		{"ens: a parent answers for all below", "pkg/bootstrap/ens/resolver.go", "if f.Of != clean && !f.Extended {", "if f.Of != clean && f.Of == \"\" {", ens, "TestResolve"},
		{"ens: underscores within", "pkg/bootstrap/ens/name.go", "case strings.Contains(bare, \"_\"):", "case strings.Contains(bare, \"__\"):", ens, "TestNormalize"},
		{"ens: other alphabets in disguise", "pkg/bootstrap/ens/name.go", "label[2:4] == \"--\":", "label[2:4] == \"-_\":", ens, "TestNormalize"},
		{"ens: redirects followed", "pkg/bootstrap/ens/gateway.go", "return http.ErrUseLastResponse }", "return nil }", ens, "TestOffchainRefuses"},
	}
}
