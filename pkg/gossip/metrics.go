package gossip

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Metrics are the counters of one node since it started: the same in relay, in a node's status and in tests.
type Metrics struct {
	Delivered  uint64            `json:"delivered"`  // envelopes heard for the first time
	Mine       uint64            `json:"mine"`       // of those, under a tag that is known here
	Published  uint64            `json:"published"`  // own ones, handed to at least one peer
	Duplicates uint64            `json:"duplicates"` // heard again
	Payload    uint64            `json:"payload_bytes"`
	In         uint64            `json:"bytes_in"`  // of the overlay, control and framing among them
	Out        uint64            `json:"bytes_out"` // likewise
	Control    uint64            `json:"control_bytes"`
	Grafts     uint64            `json:"grafts"`
	Prunes     uint64            `json:"prunes"`
	IHave      uint64            `json:"ihave_ids"`
	IWant      uint64            `json:"iwant_ids"`
	Dropped    uint64            `json:"dropped"` // a queue was full
	Refused    map[Cause]uint64  `json:"refused"`
	Stored     int               `json:"mail_stored"`
	MailBytes  int64             `json:"mail_bytes"`
	MailAge    int64             `json:"mail_age_s"` // of the oldest
	Queued     int               `json:"queued"`
	Debt       int64             `json:"budget_debt"`
	Due        uint64            `json:"due"` // deliveries that receipts ask for, when the node counts them
	Latency    map[string]uint64 `json:"latency_ms"`
}

// DuplicatesPer returns duplicates a delivery.
func (m *Metrics) DuplicatesPer() float64 { return ratio(m.Duplicates, m.Delivered) }

// BytesPerUseful returns all bytes heard by those of payloads heard first.
func (m *Metrics) BytesPerUseful() float64 { return ratio(m.In, m.Payload) }

func ratio(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// WriteText writes the counters in the text format of Prometheus.
func (m *Metrics) WriteText(w io.Writer) error {
	var b strings.Builder
	count := func(name string, v any) {
		fmt.Fprintf(&b, "# TYPE pars_gossip_%s counter\npars_gossip_%s %v\n", name, name, v)
	}
	gauge := func(name string, v any) {
		fmt.Fprintf(&b, "# TYPE pars_gossip_%s gauge\npars_gossip_%s %v\n", name, name, v)
	}
	count("delivered_total", m.Delivered)
	count("mine_total", m.Mine)
	count("published_total", m.Published)
	count("duplicates_total", m.Duplicates)
	count("payload_bytes_total", m.Payload)
	count("bytes_in_total", m.In)
	count("bytes_out_total", m.Out)
	count("control_bytes_total", m.Control)
	count("grafts_total", m.Grafts)
	count("prunes_total", m.Prunes)
	count("ihave_ids_total", m.IHave)
	count("iwant_ids_total", m.IWant)
	count("dropped_total", m.Dropped)
	count("due_total", m.Due)
	fmt.Fprintln(&b, "# TYPE pars_gossip_refused_total counter")
	for _, c := range slices.Sorted(maps.Keys(m.Refused)) {
		fmt.Fprintf(&b, "pars_gossip_refused_total{cause=%q} %d\n", c, m.Refused[c])
	}
	gauge("mail_stored", m.Stored)
	gauge("mail_bytes", m.MailBytes)
	gauge("mail_age_seconds", m.MailAge)
	gauge("queued", m.Queued)
	gauge("budget_debt_bytes", m.Debt)
	for _, q := range slices.Sorted(maps.Keys(m.Latency)) {
		fmt.Fprintf(&b, "pars_gossip_latency_ms{quantile=%q} %d\n", q, m.Latency[q])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Samples keeps the last durations it was told and gives their quantiles. The zero value is ready.
type Samples struct {
	list []time.Duration
	at   int
}

// Add notes one.
func (s *Samples) Add(d time.Duration) {
	if len(s.list) < 1024 {
		s.list = append(s.list, d)
		return
	}
	s.list[s.at%len(s.list)] = d
	s.at++
}

// Quantiles returns p50, p95 and p99 in milliseconds; nil when nothing was noted.
func (s *Samples) Quantiles() map[string]uint64 {
	if len(s.list) == 0 {
		return nil
	}
	list := slices.Clone(s.list)
	slices.Sort(list)
	out := map[string]uint64{}
	for name, q := range map[string]int{"0.5": 50, "0.95": 95, "0.99": 99} {
		out[name] = uint64(list[(len(list)-1)*q/100].Milliseconds())
	}
	return out
}
