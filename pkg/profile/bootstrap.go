package profile

// Bootstrap is what a profile knows of the roads to the first peers. The texts are read by pkg/bootstrap.
type Bootstrap struct {
	// Note is for people: what is not there, and why. It is shown where roads are explained.
	Note string `json:"note,omitempty"`
	// TrustSets are the sets of keys that sign lists of peers, each in base64url.
	TrustSets []string `json:"trust_sets,omitempty"`
	// List is the list that was compiled in at release, in base64url; empty where there is none.
	List string `json:"list,omitempty"`
	// Names are where lists are published.
	Names ListNames `json:"names"`
	// DNS is how names are resolved.
	DNS DNS `json:"dns"`
	// HNS is whom to ask for the chain of Handshake.
	HNS HNS `json:"hns,omitzero"`
	// AllowPrivate lets lists name private and loopback addresses: for labs.
	AllowPrivate bool `json:"allow_private,omitempty"`
}

// ListNames are the names at which the lists of a network stand, by naming system.
type ListNames struct {
	DNS []string `json:"dns,omitempty"`
	// HNS are names below top-level domains of Handshake.
	HNS []string `json:"hns,omitempty"`
	// ENS are names of the chain's registry, or of ethereum's where the profile has none.
	ENS []string `json:"ens,omitempty"`
}

// HNS is a chain of Handshake and who serves it.
type HNS struct {
	// Chain is main, testnet or regtest; empty is main.
	Chain string `json:"chain,omitempty"`
	// Peers are full nodes, HOST or HOST:PORT, in place of those that the chain's constants name.
	Peers []string `json:"peers,omitempty"`
	// Agree is how many of different networks must have nothing newer; 0 is 3.
	Agree int `json:"agree,omitempty"`
}

// DNS is what a resolver needs to know.
type DNS struct {
	// Anchors are DS records of the root, "TAG ALGORITHM DIGEST HEX".
	Anchors []string `json:"anchors,omitempty"`
	// Servers are asked beside the system's own.
	Servers []DNSServer `json:"servers,omitempty"`
	// ProbeZone is a signed zone abroad; the denial of a random name in it shows that the world can be asked.
	ProbeZone string `json:"probe_zone,omitempty"`
	// BlockPages are addresses that a censor answers with in place of the right ones.
	BlockPages []string `json:"block_pages,omitempty"`
}

// DNSServer is a public resolver.
type DNSServer struct {
	// Addr is ADDR, tcp://ADDR, tls://ADDR#sni=NAME or https://HOST/PATH#dial=ADDR.
	Addr string `json:"addr"`
	// Country is where it stands, two letters of ISO 3166; empty where it stands everywhere.
	Country string `json:"country,omitempty"`
}
