package node

import (
	"context"
	"io"
	"time"
)

// API is what a local program can ask of a home. A running node answers it over its socket; without one
// the home itself does. Answers that are lists come one by one through emit, whose error ends the call.
type API interface {
	ID(ctx context.Context) (Identity, error)
	Status(ctx context.Context) (Status, error)
	Peers(ctx context.Context, emit func(Peer) error) error
	SessionList(ctx context.Context, emit func(SessionInfo) error) error
	Invite(ctx context.Context, q InviteQuery) (Invitation, error)
	Join(ctx context.Context, q JoinQuery) (SessionInfo, error)
	Send(ctx context.Context, q SendQuery) (Message, error)
	Read(ctx context.Context, q ReadQuery, emit func(Message) error) error
	Members(ctx context.Context, session string, emit func(Member) error) error
	Announce(ctx context.Context, session string) (Announced, error)
	AnnounceRole(ctx context.Context, role string) (Announced, error)
	FindPeers(ctx context.Context, session string, emit func(Whereabouts) error) error
	Heads(ctx context.Context, session string, emit func(Head) error) error
	Log(ctx context.Context, session string, emit func(Vertex) error) error
	Cat(ctx context.Context, id string) (VertexBytes, error)
	Check(ctx context.Context, session string) (Check, error)
	Export(ctx context.Context, session string, w io.Writer) error
	Import(ctx context.Context, r io.Reader, emit func(Imported) error) error
	Draw(ctx context.Context, q DrawQuery, w io.Writer) error
	OwnCard(ctx context.Context) (CardInfo, error)
	FetchCard(ctx context.Context, q CardQuery) (CardInfo, error)
	Cards(ctx context.Context, account string, emit func(CardInfo) error) error
	Codes(ctx context.Context, emit func(CodeInfo) error) error
	NewCode(ctx context.Context) (CodeInfo, error)
	Close() error
}

// Status is the node in one look. Fields that only a running node knows are zero without one.
type Status struct {
	State      string         `json:"state"` // S0 nobody in reach, S1 a local network
	Online     bool           `json:"online"`
	Running    bool           `json:"running"`
	Peers      int            `json:"peers"`
	Sessions   int            `json:"sessions"`
	Vertices   int            `json:"vertices"`
	Pending    int            `json:"pending"` // parked: waiting for what they stand on
	Damaged    int            `json:"damaged"` // lost on disk and asked for
	DiskBytes  int64          `json:"disk_bytes"`
	DiskLimit  int64          `json:"disk_limit"`
	RSSBytes   int64          `json:"rss_bytes"`
	UptimeS    int64          `json:"uptime_s"`
	Roads      map[string]int `json:"roads"`         // peers by road
	DHT        string         `json:"dht,omitempty"` // off, client, server
	LANPeers   int            `json:"lan_peers"`     // in that of the local network
	DHTPeers   int            `json:"dht_peers"`     // in its table
	Mail       MailStatus     `json:"mail"`
	Tree       TreeStatus     `json:"tree"`
	EVM        *EVMStatus     `json:"evm,omitempty"` // nil: no chain is followed
	Mode       string         `json:"mode"`          // normal, metered, low-power, reduced
	ModeWhy    string         `json:"mode_reason"`
	WakeupsH   int64          `json:"wakeups_h"` // of the last hour: five seconds in which bytes were carried
	BytesH     int64          `json:"bytes_h"`
	BytesToday int64          `json:"bytes_today"`           // UTC
	BudgetLeft *int64         `json:"budget_left,omitempty"` // of --budget, now
	Alarms     []string       `json:"alarms"`
}

// MailStatus is what the node does with sealed envelopes.
type MailStatus struct {
	Waiting int   `json:"waiting"` // own entries that absent members may lack and no storer keeps yet
	Left    int   `json:"left"`    // envelopes left with storers since the start
	Fetched int   `json:"fetched"` // of own sessions, heard or fetched
	Carried int   `json:"carried"` // kept for others
	Bytes   int64 `json:"bytes"`   // of those
	Relays  int   `json:"relays"`  // in reach
}

// Peer is one connected peer.
type Peer struct {
	PeerID string    `json:"peer_id"`
	Addr   string    `json:"addr"`
	Road   string    `json:"road"`
	Since  time.Time `json:"since"`
	Shared int       `json:"sessions"` // sessions it proved to be a member of
	Level  bool      `json:"level"`    // all of them were equal at the last look
}

// SessionInfo is one conversation.
type SessionInfo struct {
	Session  string   `json:"session"`
	Title    string   `json:"title"`
	Members  int      `json:"members"`
	Unread   int      `json:"unread"`
	Warnings []string `json:"warnings,omitempty"`
}

// InviteQuery asks for an invite; without a session one is made.
type InviteQuery struct {
	Session string        `json:"session,omitempty"`
	Title   string        `json:"title,omitempty"`
	Expires time.Duration `json:"expires,omitempty"` // from now; 0 never
}

// Invitation is the answer.
type Invitation struct {
	Session string     `json:"session"`
	Invite  string     `json:"invite"`
	Expires *time.Time `json:"expires,omitempty"`
}

// JoinQuery takes an invite, under a name that others see as claimed.
type JoinQuery struct {
	Invite string `json:"invite"`
	Name   string `json:"name,omitempty"`
}

// SendQuery writes a message.
type SendQuery struct {
	Session string `json:"session"`
	Text    string `json:"text"`
}

// ReadQuery asks for messages in reading order. Since is a vertex id: those that arrived after it.
// Follow goes on with what arrives.
type ReadQuery struct {
	Session string `json:"session"`
	Since   string `json:"since,omitempty"`
	Follow  bool   `json:"follow,omitempty"`
	Keep    bool   `json:"keep,omitempty"` // leave the unread mark where it is
}

// Message is one message.
type Message struct {
	ID      string     `json:"id"`
	Session string     `json:"session"`
	Author  string     `json:"author"`
	Name    string     `json:"name,omitempty"`
	Mine    bool       `json:"mine"`
	Seq     uint64     `json:"seq"`
	Lamport uint64     `json:"lamport"`
	Time    *time.Time `json:"time"` // null when the author's clock lies more than a day ahead
	Content string     `json:"text"`
	Missing string     `json:"missing,omitempty"` // why there is no text
	State   string     `json:"state"`
	SeenBy  int        `json:"seen_by"`
}

// Member is one author who joined.
type Member struct {
	Pseudonym string    `json:"pseudonym"`
	Name      string    `json:"name"`
	Since     time.Time `json:"since"`
	Account   string    `json:"account,omitempty"`
	Creator   bool      `json:"creator"`
	Mine      bool      `json:"mine"`
}

// Announced says who keeps this device's record of a session, or has heard of its role.
type Announced struct {
	Session string    `json:"session,omitempty"`
	Role    string    `json:"role,omitempty"`
	Epoch   uint32    `json:"epoch"` // the session's own day number
	Acks    int       `json:"acks"`
	Failed  int       `json:"failed"`
	Next    time.Time `json:"next"` // when the running node writes it again by itself
}

// Whereabouts is where a member said to be.
type Whereabouts struct {
	Member   string   `json:"member"` // pseudonym
	PeerID   string   `json:"peer_id"`
	Addrs    []string `json:"addrs"`
	State    uint8    `json:"state"`
	Level    bool     `json:"frontier_equal"` // it held the same log when it wrote
	AgeS     int64    `json:"age_s"`
	Attached bool     `json:"connected"`
}

// Head is a vertex that nobody has built on.
type Head struct {
	ID      string `json:"id"`
	Session string `json:"session"`
}

// Vertex is one line of a log.
type Vertex struct {
	ID      string `json:"id"`
	Author  string `json:"author"`
	Seq     uint64 `json:"seq"`
	Lamport uint64 `json:"lamport"`
	Kind    string `json:"kind"`
	Size    uint32 `json:"size"`
	Held    bool   `json:"held"`
}

// VertexBytes is one vertex whole, in the interchange form and field by field.
type VertexBytes struct {
	Vertex
	Session   string    `json:"session"`
	Epoch     uint32    `json:"epoch"`
	Prev      string    `json:"prev,omitempty"`
	Parents   []string  `json:"parents"`
	Time      time.Time `json:"time"`
	BodyHash  string    `json:"body_hash,omitempty"`
	Signature string    `json:"signature,omitempty"`
	Bytes     []byte    `json:"bytes"`
}

// Check is the verdict on a log: two replicas that hold the same set have the same Digest.
type Check struct {
	Session  string   `json:"session"`
	Vertices int      `json:"vertices"`
	Heads    int      `json:"heads"`
	Digest   string   `json:"digest"`
	Forks    int      `json:"forks"`
	Parked   int      `json:"parked"`
	Faults   []string `json:"faults,omitempty"`
}

// Imported is what became of one vertex of an import.
type Imported struct {
	ID      string `json:"id"`
	Session string `json:"session"`
	Result  string `json:"result"` // new, known, parked, refused
	Reason  string `json:"reason,omitempty"`
}

// DrawQuery asks for a picture of a log, as SVG or as a graph in the DOT language.
type DrawQuery struct {
	Session string `json:"session"`
	Dot     bool   `json:"dot,omitempty"`
}
