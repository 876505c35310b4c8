package main

// roadMutants are faults in lists, DNSSEC and the race to the first peers.
func roadMutants() []mutant {
	return []mutant{
		{"bootstrap: half of the holders are enough", "pkg/bootstrap/list/set.go", "if good < s.K {", "if good < s.K/2 {", "pkg/bootstrap/list", "TestSubsets"},
		{"bootstrap: a bad signature among good ones passes", "pkg/bootstrap/list/set.go", "\t\t\treturn refuse(BadSignature, \"the signature of key %d is wrong\", x.Index)", "\t\t\tcontinue", "pkg/bootstrap/list", "TestSubsets"},
		{"bootstrap: an older list is taken", "pkg/bootstrap/list/trust.go", "case r.Seq < held.Seq:", "case r.Seq+9 < held.Seq:", "pkg/bootstrap/list", "TestCheck"},
		{"bootstrap: a list lives a second too long", "pkg/bootstrap/list/trust.go", "late > 0 {", "late > 1 {", "pkg/bootstrap/list", "TestCheck"},
		{"bootstrap: a leaf of another list", "pkg/bootstrap/list/leaf.go", "r.Row[at] != h {", "r.Row[at] != h && r.Seq == 0 {", "pkg/bootstrap/list", "TestFlips"},
		{"bootstrap: private addresses pass", "pkg/bootstrap/list/leaf.go", "if !private && !a.Public() {", "if !private && !a.Public() && len(e.Addrs) > 9 {", "pkg/bootstrap/list", "TestAddrs"},
		{"dnssec: an exact match covers", "pkg/bootstrap/dnssec/denial3.go", "return owner < h && h < next", "return owner <= h && h < next", "pkg/bootstrap/dnssec", "TestCoverIsNoMatch"},
		{"dnssec: signatures have no time", "pkg/bootstrap/dnssec/rrset.go", "if !sig.ValidityPeriod(now) {", "if !sig.ValidityPeriod(now) && tried > 9 {", "pkg/bootstrap/dnssec", "TestClock"},
		{"dnssec: opt-out is secure", "pkg/bootstrap/dnssec/denial3.go", "\tcase n.Flags&flagOptOut != 0:\n\t\treturn optOut, nil\n", "", "pkg/bootstrap/dnssec", "TestVerdicts"},
		{"dnssec: iterations without end", "pkg/bootstrap/dnssec/denial3.go", "if n.Iterations > maxIterations {", "if n.Iterations > 9999 {", "pkg/bootstrap/dnssec", "TestVerdicts|TestBudget"},
		{"dnssec: the parent speaks for the child", "pkg/bootstrap/dnssec/denial.go", "case typ != dns.TypeDS && cut:", "case typ != dns.TypeDS && cut && name == \".\":", "pkg/bootstrap/dnssec", "TestWrongSideOfCut"},
		{"dnssec: a wildcard needs no proof", "pkg/bootstrap/dnssec/resolver.go", "\tif !s.expanded {\n\t\treturn nil\n\t}\n\tencloser", "\tif !s.expanded || len(r.authority) > 0 {\n\t\treturn nil\n\t}\n\tencloser", "pkg/bootstrap/dnssec", "TestWildcardReplay"},
		{"bootstrap: the cap of a list counts nothing", "pkg/bootstrap/choose.go", "c.source[p.Source]++", "c.source[\"\"]++", "pkg/bootstrap", "TestSlotCaps"},
		{"bootstrap: hints fill an empty table", "pkg/bootstrap/choose.go", "bare := c.have.Bare && p.Class == Signed && p.By == \"list\"", "bare := c.have.Bare && p.Class == Signed", "pkg/bootstrap", "TestSlotCaps"},
		{"bootstrap: dialled before it is remembered", "pkg/bootstrap/race.go", "\t\tx.state.Seen = max(x.state.Seen, root.Issued)\n\t\tx.keep()\n", "\t\tx.state.Seen = max(x.state.Seen, root.Issued)\n", "pkg/bootstrap", "TestHeldFirst"},
		{"bootstrap: covert in name only", "pkg/bootstrap/race.go", "if x.Covert && r.Plain {", "if x.Covert && r.Plain && r.After > 0 {", "pkg/bootstrap", "TestCovert"},
		{"bootstrap: an injected answer is taken", "pkg/bootstrap/exchange/datagram.go", "if edns(b) || !edns(own) {", "if edns(own) {", "pkg/bootstrap/exchange", "TestInjected"},
		{"road: a refusal needs no second", "pkg/road/state.go", "\tcase s.refuted.IsZero():\n\t\ts.refuted, s.failed = now, now\n", "", "pkg/road", "TestDown"},
		{"road: strangers free a node", "pkg/road/state.go", "s.Over == t && s.Trusted }", "s.Over == t }", "pkg/road", "TestStates|TestRandom"},
		{"dnssec: signer by its letters", "pkg/bootstrap/dnssec/rrset.go", "\t\tif under(sig.SignerName, s.name) && (out", "\t\tif strings.HasSuffix(s.name, sig.SignerName) && (out", "pkg/bootstrap/dnssec", "TestSignerIsAZone"},
		{"dnssec: the child speaks for its DS", "pkg/bootstrap/dnssec/denial.go", "case typ == dns.TypeDS && has(bitmap, dns.TypeSOA) && name != \".\":", "case typ == dns.TypeDS && has(bitmap, dns.TypeSOA) && name == \"..\":", "pkg/bootstrap/dnssec", "TestAbsent"},
		{"dnssec: time to live is not clipped", "pkg/bootstrap/dnssec/rrset.go", "t = min(t, s.by.OrigTtl, uint32(max(0, left)))", "t = min(t, uint32(max(0, left)))", "pkg/bootstrap/dnssec", "TestTTL"},
		{"dnssec: no budget of signatures", "pkg/bootstrap/dnssec/budget.go", "b.checks > maxChecks {", "b.checks > 1<<20 {", "pkg/bootstrap/dnssec", "TestBudget"},
		{"dnssec: a chain may carry what it does not need", "pkg/bootstrap/dnssec/prover.go", "\t\tif s.by == nil {", "\t\tif s.by == nil && len(s.rrs) > 9 {", "pkg/bootstrap/dnssec", "TestChainFlips"},
	}
}
