package light

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// The JSON forms of the beacon API. They are turned into SSZ and read by the strict decoder, so that one form alone
// is ever believed. Fields that are not named here are ignored, as servers add some.
type (
	hexBytes []byte
	num      uint64

	jsonBeacon struct {
		Slot      num      `json:"slot"`
		Proposer  num      `json:"proposer_index"`
		Parent    hexBytes `json:"parent_root"`
		StateRoot hexBytes `json:"state_root"`
		Body      hexBytes `json:"body_root"`
	}
	jsonExec struct {
		Parent      hexBytes `json:"parent_hash"`
		Recipient   hexBytes `json:"fee_recipient"`
		StateRoot   hexBytes `json:"state_root"`
		Receipts    hexBytes `json:"receipts_root"`
		Bloom       hexBytes `json:"logs_bloom"`
		Randao      hexBytes `json:"prev_randao"`
		Number      num      `json:"block_number"`
		GasLimit    num      `json:"gas_limit"`
		GasUsed     num      `json:"gas_used"`
		Time        num      `json:"timestamp"`
		Extra       hexBytes `json:"extra_data"`
		BaseFee     decimal  `json:"base_fee_per_gas"`
		Hash        hexBytes `json:"block_hash"`
		Txs         hexBytes `json:"transactions_root"`
		Withdrawals hexBytes `json:"withdrawals_root"`
		BlobGas     num      `json:"blob_gas_used"`
		ExcessBlob  num      `json:"excess_blob_gas"`
	}
	jsonHeader struct {
		Beacon jsonBeacon `json:"beacon"`
		Exec   *jsonExec  `json:"execution"`
		Branch []hexBytes `json:"execution_branch"`
	}
	jsonCommittee struct {
		Keys      []hexBytes `json:"pubkeys"`
		Aggregate hexBytes   `json:"aggregate_pubkey"`
	}
	jsonContainer struct {
		Header         *jsonHeader    `json:"header"`
		Current        *jsonCommittee `json:"current_sync_committee"`
		CurrentBranch  []hexBytes     `json:"current_sync_committee_branch"`
		Attested       *jsonHeader    `json:"attested_header"`
		Next           *jsonCommittee `json:"next_sync_committee"`
		NextBranch     []hexBytes     `json:"next_sync_committee_branch"`
		Finalized      *jsonHeader    `json:"finalized_header"`
		FinalityBranch []hexBytes     `json:"finality_branch"`
		Aggregate      struct {
			Bits      hexBytes `json:"sync_committee_bits"`
			Signature hexBytes `json:"sync_committee_signature"`
		} `json:"sync_aggregate"`
		SigSlot num `json:"signature_slot"`
	}
	envelope struct {
		Data json.RawMessage `json:"data"`
	}
)

// UnmarshalJSON reads 0x and an even number of digits.
func (h *hexBytes) UnmarshalJSON(b []byte) error {
	s, ok := strings.CutPrefix(strings.Trim(string(b), `"`), "0x")
	out, err := hex.DecodeString(s)
	if !ok || err != nil {
		return because(ErrSize, "%.20q is no hex", s)
	}
	*h = out
	return nil
}

// UnmarshalJSON reads a decimal number in quotes.
func (n *num) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		return because(ErrSize, "%.20q is no number", b)
	}
	*n = num(v)
	return nil
}

// ConvertJSON turns one answer of the beacon API, bare or in {"data":…}, into the SSZ form of its kind.
func (s *Spec) ConvertJSON(k Kind, b []byte) ([]byte, error) {
	if len(b) > 4*s.MaxSize(k)+4096 {
		return nil, because(ErrSize, "JSON of %d bytes", len(b))
	}
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, because(ErrSize, "no JSON")
	}
	if len(e.Data) > 0 {
		b = e.Data
	}
	var c jsonContainer
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, because(ErrSize, "%v", err)
	}
	return c.convert(s, k)
}

// SplitJSON cuts the list of updates, [{…},…] or {"data":[…]}, into at most n answers.
func SplitJSON(b []byte, n int) ([]json.RawMessage, error) {
	var e envelope
	if json.Unmarshal(b, &e) == nil && bytes.HasPrefix(bytes.TrimSpace(e.Data), []byte("[")) {
		b = e.Data
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, because(ErrSize, "no list of updates")
	}
	if len(list) > n {
		return nil, because(ErrSize, "%d updates, asked for %d", len(list), n)
	}
	return list, nil
}

func (c *jsonContainer) convert(s *Spec, k Kind) ([]byte, error) {
	x := converter{s: s}
	if k == KindBootstrap {
		if c.Header == nil || c.Current == nil {
			return nil, because(ErrSize, "no header or no committee")
		}
		f := x.shape(c.Header)
		b := Bootstrap{Header: x.header(c.Header, f), Current: x.committee(c.Current), Branch: x.branch(c.CurrentBranch, depth(f.current))}
		if x.err != nil {
			return nil, x.err
		}
		return b.Encode(s), nil
	}
	if c.Attested == nil {
		return nil, because(ErrSize, "no attested header")
	}
	f := x.shape(c.Attested)
	u := s.emptyUpdate(f)
	u.Attested = x.header(c.Attested, f)
	if k == KindUpdate && (c.Next == nil || c.Finalized == nil) || k == KindFinality && c.Finalized == nil {
		return nil, because(ErrSize, "no finalized header or no next committee")
	}
	if k == KindUpdate {
		u.Next, u.NextBranch = x.committee(c.Next), x.branch(c.NextBranch, depth(f.next))
	}
	if k != KindOptimistic {
		u.Finalized, u.FinalityBranch = x.header(c.Finalized, f), x.branch(c.FinalityBranch, depth(f.finalized))
	}
	x.bytes(u.Bits, c.Aggregate.Bits)
	x.bytes(u.Signature[:], c.Aggregate.Signature)
	u.SigSlot = uint64(c.SigSlot)
	if x.err != nil {
		return nil, x.err
	}
	return u.Encode(s, k), nil
}
