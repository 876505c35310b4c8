package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pars-network/pars/pkg/dag"
)

// metrics are the node's counters. None carries an id or a name.
type metrics struct {
	registry          *prometheus.Registry
	bytesIn, bytesOut prometheus.Counter
	syncs             prometheus.Counter
	vertices          *prometheus.CounterVec
	limited           *prometheus.CounterVec
}

func newMetrics(n *Node) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		bytesIn:  prometheus.NewCounter(prometheus.CounterOpts{Name: "pars_sync_bytes_in_total", Help: "Bytes of sync frames received."}),
		bytesOut: prometheus.NewCounter(prometheus.CounterOpts{Name: "pars_sync_bytes_out_total", Help: "Bytes of sync frames sent."}),
		syncs:    prometheus.NewCounter(prometheus.CounterOpts{Name: "pars_sync_streams_total", Help: "Sync streams opened or accepted."}),
		vertices: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pars_vertices_total", Help: "Vertices received, by what became of them."}, []string{"outcome"}),
		limited:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pars_limited_total", Help: "Times a peer was slowed or cut off, by cause."}, []string{"cause", "effect"})}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	m.registry.MustRegister(m.bytesIn, m.bytesOut, m.syncs, m.vertices, m.limited,
		gauge("pars_peers", "Connected peers.", func() float64 { return float64(len(n.host.Network().Peers())) }),
		gauge("pars_dht_peers", "Peers in the table of the hash table.", func() float64 { _, k := n.presence.state(); return float64(k) }),
		gauge("pars_presence_told_total", "Records of own presence written.", func() float64 { return float64(n.presence.count().told) }),
		gauge("pars_presence_looked_total", "Look-ups of absent members.", func() float64 { return float64(n.presence.count().looked) }),
		gauge("pars_presence_found_total", "Look-ups that found one.", func() float64 { return float64(n.presence.count().found) }),
		gauge("pars_mail_left_total", "Letters left with storers.", func() float64 { c, _ := n.mail.state(); return float64(c.left) }),
		gauge("pars_mail_fetched_total", "Letters of own sessions, heard or fetched.", func() float64 { c, _ := n.mail.state(); return float64(c.fetched) }),
		gauge("pars_mail_refused_total", "Letters under a tag of one's own that did not open.", func() float64 { c, _ := n.mail.state(); return float64(c.refused) }),
		gauge("pars_mail_unkept_total", "Attempts at which nobody kept a letter.", func() float64 { c, _ := n.mail.state(); return float64(c.unkept) }),
		gauge("pars_tree_bytes_in_total", "Bytes of tree frames received.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.bytesIn.Load() }) }),
		gauge("pars_tree_bytes_out_total", "Bytes of tree frames sent.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.bytesOut.Load() }) }),
		gauge("pars_tree_pushed_total", "Entries pushed along trees.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.pushed.Load() }) }),
		gauge("pars_tree_delivered_total", "New entries that a push brought.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.fresh.Load() }) }),
		gauge("pars_tree_duplicates_total", "Entries that a push brought once more.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.dups.Load() }) }),
		gauge("pars_tree_grafts_total", "Entries that a neighbour asked for.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.grafts.Load() }) }),
		gauge("pars_tree_prunes_total", "Edges that a neighbour had too many of.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.prunes.Load() }) }),
		gauge("pars_tree_refused_total", "Callers that are not members of what they named.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.refused.Load() }) }),
		gauge("pars_tree_repairs_total", "Comparisons that a tree asked for.", func() float64 { return n.trees.count(func(c *treeCounts) int64 { return c.repairs.Load() }) }),
		gauge("pars_sessions", "Sessions held.", func() float64 { return float64(len(n.home.Sessions.List())) }),
		gauge("pars_log_vertices", "Vertices accepted in all sessions.", func() float64 { a, _ := n.home.counts(); return float64(a) }),
		gauge("pars_log_parked", "Vertices that wait for others.", func() float64 { _, p := n.home.counts(); return float64(p) }),
		gauge("pars_disk_bytes", "Bytes of the store.", func() float64 { used, _ := n.home.store.Usage(); return float64(used) }),
		gauge("pars_uptime_seconds", "Seconds since the start.", func() float64 { return n.clock().Sub(n.started).Seconds() }))
	m.chain(n)
	return m
}

// chain are the counters of the chain that is followed; without one there are none.
func (m *metrics) chain(n *Node) {
	if n.Chain == nil {
		return
	}
	gauge := func(name, help string, f func(*EVMStatus) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return f(n.chain.status()) }))
	}
	gauge("pars_evm_head", "Number of the newest verified block.", func(s *EVMStatus) float64 { return float64(s.Number) })
	gauge("pars_evm_finalized", "Number of the newest final block.", func(s *EVMStatus) float64 { return float64(s.Finalized) })
	gauge("pars_evm_head_age_seconds", "Age of the newest verified block.", func(s *EVMStatus) float64 { return float64(s.Age) })
	gauge("pars_evm_gateways", "Gateways that showed what they can do.", func(s *EVMStatus) float64 { return float64(s.Gateways) })
	gauge("pars_evm_heard_total", "Updates that gossip brought and that verified.", func(s *EVMStatus) float64 { return float64(s.Heard) })
	gauge("pars_evm_refused_total", "Updates that gossip brought and that did not verify.", func(s *EVMStatus) float64 { return float64(s.Refused) })
	gauge("pars_evm_passed_total", "Transactions of strangers passed on.", func(s *EVMStatus) float64 { return float64(s.Passed) })
	gauge("pars_evm_lies_total", "Peers left for what they told of the chain.", func(s *EVMStatus) float64 { return float64(s.Lies) })
	m.registry.MustRegister(chainStates{n})
}

// chainStates tells the state of the chain and counts the queue, by label.
type chainStates struct{ n *Node }

func stateDesc() *prometheus.Desc {
	return prometheus.NewDesc("pars_evm_state", "1 for the state of the light client.", []string{"state"}, nil)
}

func queueDesc() *prometheus.Desc {
	return prometheus.NewDesc("pars_evm_queue", "Own transactions by state.", []string{"state"}, nil)
}

// Describe is of prometheus.Collector.
func (c chainStates) Describe(out chan<- *prometheus.Desc) { out <- stateDesc(); out <- queueDesc() }

// Collect is of prometheus.Collector.
func (c chainStates) Collect(out chan<- prometheus.Metric) {
	s := c.n.chain.status()
	if s == nil {
		return
	}
	out <- prometheus.MustNewConstMetric(stateDesc(), prometheus.GaugeValue, 1, s.State)
	for state, n := range s.Queue {
		out <- prometheus.MustNewConstMetric(queueDesc(), prometheus.GaugeValue, float64(n), state)
	}
}

func (m *metrics) count(got dag.Received) {
	for _, r := range got.Results {
		m.vertices.WithLabelValues(string(r.Outcome)).Inc()
	}
}

// counts sums up accepted and parked vertices of all sessions.
func (h *Home) counts() (accepted, parked int) {
	for _, s := range h.Sessions.List() {
		a, p := s.Log().Count()
		accepted, parked = accepted+a, parked+p
	}
	return accepted, parked
}

// serveMetrics answers scrapes on addr until ctx ends.
func (n *Node) serveMetrics(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("metrics on %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(n.metrics.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	n.wg.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.log.Warn("metrics ended", "why", err)
		}
	})
	n.wg.Go(func() {
		<-ctx.Done()
		srv.Close()
	})
	n.log.Info("metrics", "addr", l.Addr())
	return nil
}
