#!/bin/bash
# lab.sh: a signed DNS hierarchy of real servers in a network namespace of its own; as root. Nothing leaves it.
#   lab.sh up DIR            start everything; DIR must be new or empty
#   lab.sh exec DIR CMD…     run CMD inside, with LAB=DIR
#   lab.sh down DIR          end what was started, by pid, and remove the namespace
#
#   127.0.53.1   knotd    .             alg 13, NSEC
#                         knot.test.    alg 13, NSEC, takes RFC 2136 updates with the TSIG key
#   127.0.53.2   nsd      test.         alg 15, NSEC3
#                         iter.test.    alg 13, NSEC3 of 200 iterations
#                         rsa.test.     alg 8, NSEC
#   127.0.53.3   named    pars.test.    alg 13, NSEC3, takes RFC 2136 updates with the TSIG key
#                         dual.test.    signed with 13 and 15            plain.test.   not signed, no DS
#                         bogus.test.   DS of a key it does not have     expired.test. signatures of last month
#                         optout.test.  NSEC3 with opt-out, and below it sub.optout.test., not signed
#                         parent.test.  NSEC, alg 14, and a signed child kid.parent.test.
#   127.0.53.10  unbound  53, 853, 443;  127.0.53.11  kresd  53, 853, 443: both recurse and validate
#
# DIR/root.ds is the trust anchor, DIR/tsig the update key, DIR/ca.pem the authority of the resolvers' certificate for doh.lab.
set -eu
self=$(readlink -f "$0")
fail() { echo "lab.sh: $*" >&2; exit 1; }
usage() { sed -n '3,5s/^#   //p' "$self" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1
mkdir -p "$2"
LAB=$(readlink -f "$2")
export LAB
shift 2

up() {
	[ -z "$(ls -A "$LAB")" ] || fail "$LAB is not empty"
	chmod 755 "$LAB"
	ns=parsdns$$
	ip netns add "$ns"
	echo "$ns" >"$LAB/netns"
	trap '"$self" down "$LAB"' ERR INT TERM
	ip -n "$ns" link set lo up
	ip -n "$ns" address add 127.0.53.3/32 dev lo # named takes only addresses that an interface has
	mkdir -p "/etc/netns/$ns"
	echo nameserver 127.0.53.10 >"/etc/netns/$ns/resolv.conf"
	ip netns exec "$ns" "$self" inside "$LAB"
}

down() {
	for f in "$LAB"/*.pid; do
		[ -e "$f" ] || continue
		pid=$(cat "$f")
		kill "$pid" 2>/dev/null || continue
		for _ in $(seq 60); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
		kill -9 "$pid" 2>/dev/null || true
	done
	ns=$(cat "$LAB/netns")
	ip netns del "$ns"
	rm -rf "/etc/netns/$ns" "$LAB"/*.pid "$LAB/netns"
}

start() { # start NAME CMD…
	local name=$1
	shift
	"$@" >"$LAB/$name.log" 2>&1 &
	echo $! >"$LAB/$name.pid"
}

await() { # await REGEX CMD…: until what the command prints matches
	local want=$1
	shift
	for _ in $(seq 100); do
		if "$@" 2>/dev/null | grep -Eq "$want"; then return 0; fi
		sleep 0.1
	done
	fail "no answer: $*"
}

head_of() { printf '$ORIGIN %s\n$TTL 300\n@ SOA ns1 host 1 3600 600 86400 300\n@ NS ns1\nns1 A %s\n' "$1" "$2"; }
stamp() { date -u -d "$1" +%Y%m%d%H%M%S; }

certificate() {
	cd "$LAB"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout ca.key -out ca.pem -subj '/CN=dns lab' 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.csr -subj /CN=doh.lab 2>/dev/null
	echo subjectAltName=DNS:doh.lab >tls.ext
	openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -extfile tls.ext -out tls.pem 2>/dev/null
}

leaves() { # named
	mkdir "$LAB/bind"
	cd "$LAB/bind"
	tsig-keygen -a hmac-sha256 pars-update >tsig.conf
	sed -n 's/.*secret "\(.*\)";/hmac-sha256:pars-update:\1/p' tsig.conf >"$LAB/tsig"
	{
		head_of pars.test. 127.0.53.3
		a=12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X b=12D3KooWSQ1AEq6mM3z9yQyEpMzCwXsqJqTzvYr7gg3CzQv2Cj2Y
		cat <<-Z
			_dnsaddr.old-style TXT "dnsaddr=/dnsaddr/east.old-style.pars.test/p2p/$a"
			_dnsaddr.old-style TXT "dnsaddr=/dnsaddr/west.old-style.pars.test/p2p/$b"
			_dnsaddr.east.old-style TXT "dnsaddr=/ip4/127.0.7.1/tcp/4001/p2p/$a"
			_dnsaddr.west.old-style TXT "dnsaddr=/ip4/127.0.7.2/udp/4001/quic-v1/p2p/$b"
			www A 192.0.2.1
			www TXT "hello"
			alias CNAME www
			out CNAME www.plain.test.
			bad CNAME www.bogus.test.
			round CNAME trip
			trip CNAME round
			moved DNAME there
			www.there TXT "moved here"
			*.wild TXT "star"
			*.wildalias CNAME www
			own.wild A 192.0.2.2
			leaf.deep.down TXT "below empty nodes"
			web HTTPS 1 . alpn=h2 ipv4hint=192.0.2.3
			mail MX 10 www
		Z
	} >pars.test
	for z in dual plain bogus expired optout parent kid.parent; do
		{ head_of $z.test. 127.0.53.3; echo "www TXT \"$z\""; echo '*.wild TXT "star"'; } >$z.test
	done
	printf 'sub NS ns1.sub\nns1.sub A 127.0.53.3\nkept NS ns1.kept\nns1.kept A 127.0.53.3\n' >>optout.test
	{ head_of sub.optout.test. 127.0.53.3; echo 'www TXT "sub"'; } >sub.optout.test
	pair() { dnssec-keygen -q -a "$1" -f KSK "$2" >/dev/null; dnssec-keygen -q -a "$1" "$2" >/dev/null; }
	sign() { dnssec-signzone -q -S -o "$@" >/dev/null; }
	for z in dual bogus expired optout; do pair 13 $z.test; done
	pair 15 dual.test
	pair 14 parent.test
	pair 13 kid.parent.test
	sign kid.parent.test -f kid.parent.test.signed kid.parent.test
	printf 'kid NS ns1.kid\nns1.kid A 127.0.53.3\n' >>parent.test
	dnssec-dsfromkey -2 -f kid.parent.test.signed kid.parent.test >>parent.test
	for z in dual bogus parent; do sign $z.test -f $z.test.signed $z.test; done
	sign expired.test -P -s "$(stamp '-60 days')" -e "$(stamp '-30 days')" -f expired.test.signed expired.test
	sign optout.test -3 - -A -f optout.test.signed optout.test
	cat >named.conf <<-C
		include "$LAB/bind/tsig.conf";
		dnssec-policy lab { keys { ksk lifetime unlimited algorithm 13; zsk lifetime unlimited algorithm 13; };
		  nsec3param iterations 0 optout no salt-length 0; dnskey-ttl 300; max-zone-ttl 1d; parent-ds-ttl 300; };
		options { directory "$LAB/bind"; key-directory "$LAB/bind"; listen-on { 127.0.53.3; }; listen-on-v6 { none; }; recursion no;
		  dnssec-validation no; pid-file none; session-keyfile none; };
		controls { };
		zone "pars.test" { type primary; file "pars.test"; dnssec-policy lab; inline-signing yes; update-policy { grant pars-update zonesub any; }; };
		zone "plain.test" { type primary; file "plain.test"; };
		zone "sub.optout.test" { type primary; file "sub.optout.test"; };
	C
	for z in dual bogus expired optout parent kid.parent; do
		echo "zone \"$z.test\" { type primary; file \"$z.test.signed\"; };" >>named.conf
	done
	start named named -g -c "$LAB/bind/named.conf"
	await '^257' dig +short @127.0.53.3 pars.test DNSKEY
}

ds() { dig "@$1" "$2" DNSKEY | dnssec-dsfromkey -2 -f - "$2"; }

middle() { # nsd; knot.test. has its keys already
	mkdir "$LAB/nsd"
	cd "$LAB/nsd"
	signed() { # signed ZONE ALGORITHM FLAGS…
		local z=$1 alg=$2 k s
		shift 2
		k=$(ldns-keygen -a "$alg" -k "$z") s=$(ldns-keygen -a "$alg" "$z")
		ldns-signzone "$@" -i "$(stamp '-2 days')" -e "$(stamp '+20 days')" -f "$z.signed" "$z" "$s" "$k" 2>/dev/null
	}
	for z in iter rsa; do { head_of $z.test. 127.0.53.2; echo "www TXT \"$z\""; } >$z.test; done
	signed iter.test ECDSAP256SHA256 -n -t 200 -s c0ffee
	signed rsa.test RSASHA256
	{
		head_of test. 127.0.53.2
		for z in iter rsa; do
			printf '%s NS ns1.%s\nns1.%s A 127.0.53.2\n' $z $z $z
			ldns-key2ds -n -2 $z.test.signed | grep DS
		done
		for z in pars dual plain bogus expired optout parent; do printf '%s NS ns1.%s\nns1.%s A 127.0.53.3\n' $z $z $z; done
		for z in pars dual expired optout parent; do ds 127.0.53.3 $z.test; done
		printf 'knot NS ns1.knot\nns1.knot A 127.0.53.1\n'
		ds 127.0.53.1 knot.test
		echo 'bogus.test. DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000000'
	} >test
	signed test ED25519 -n
	ldns-key2ds -n -2 test.signed | grep DS >"$LAB/test.ds"
	cat >nsd.conf <<-C
		server:
		  ip-address: 127.0.53.2
		  zonesdir: "$LAB/nsd"
		  database: ""
		  pidfile: ""
		  username: ""
		  chroot: ""
		  xfrdfile: "$LAB/nsd/xfrd"
		  zonelistfile: "$LAB/nsd/list"
		remote-control:
		  control-enable: no
	C
	for z in test iter.test rsa.test; do printf 'zone:\n  name: %s\n  zonefile: %s.signed\n' $z $z >>nsd.conf; done
	start nsd nsd -d -c "$LAB/nsd/nsd.conf"
	await '^257' dig +short @127.0.53.2 test DNSKEY
}

top() { # knotd; the root comes in a second step, when the DS of test. is known
	mkdir -p "$LAB/knot/db"
	cd "$LAB/knot"
	{ head_of knot.test. 127.0.53.1; echo 'www TXT "knot"'; } >knot.test
	{ IFS=: read -r alg name secret; } <"$LAB/tsig"
	cat >knot.conf <<-C
		server:
		    rundir: "$LAB/knot"
		    listen: 127.0.53.1@53
		    user: root:root
		log:
		  - target: stderr
		    any: info
		database:
		    storage: "$LAB/knot/db"
		key:
		  - id: $name
		    algorithm: $alg
		    secret: $secret
		acl:
		  - id: update
		    key: $name
		    action: update
		policy:
		  - id: lab
		    algorithm: ecdsap256sha256
		    cds-cdnskey-publish: none
		    dnskey-ttl: 1
		    propagation-delay: 1
		    zone-max-ttl: 1
		template:
		  - id: default
		    storage: "$LAB/knot"
		    zonefile-load: difference
		    zonefile-sync: -1
		    journal-content: all
		    dnssec-signing: on
		    dnssec-policy: lab
		    serial-policy: unixtime
		zone:
		  - domain: knot.test.
		    file: knot.test
		    acl: update
	C
	start knotd knotd -c "$LAB/knot/knot.conf"
	await '^257' dig +short @127.0.53.1 knot.test DNSKEY
}

root() {
	cd "$LAB/knot"
	{
		printf '$ORIGIN .\n$TTL 86400\n. SOA a.lab. host.lab. 1 1800 900 604800 86400\n. NS a.lab.\na.lab. A 127.0.53.1\n'
		printf 'test. NS ns1.test.\nns1.test. A 127.0.53.2\n'
		cat "$LAB/test.ds"
	} >root
	printf '  - domain: .\n    file: root\n' >>knot.conf
	await Reloaded knotc -c "$LAB/knot/knot.conf" reload
	await '^257' dig +short @127.0.53.1 . DNSKEY
	dig @127.0.53.1 . DNSKEY | dnssec-dsfromkey -2 -f - . >"$LAB/root.ds"
	dig +short @127.0.53.1 . DNSKEY | sed -n 's/^257/. IN DNSKEY 257/p' >"$LAB/root.key"
	printf '. 3600000 NS a.lab.\na.lab. 3600000 A 127.0.53.1\n' >"$LAB/root.hints"
}

resolvers() {
	mkdir -p "$LAB/unbound" "$LAB/kresd"
	cat >"$LAB/unbound/conf" <<-C
		server:
		  interface: 127.0.53.10@53
		  interface: 127.0.53.10@853
		  interface: 127.0.53.10@443
		  tls-service-key: "$LAB/tls.key"
		  tls-service-pem: "$LAB/tls.pem"
		  access-control: 127.0.0.0/8 allow
		  do-not-query-localhost: no
		  do-ip6: no
		  root-hints: "$LAB/root.hints"
		  trust-anchor-file: "$LAB/root.ds"
		  directory: "$LAB/unbound"
		  username: ""
		  chroot: ""
		  pidfile: ""
		  use-syslog: no
		  val-log-level: 2
		  local-zone: test. nodefault
		remote-control:
		  control-enable: no
	C
	start unbound unbound -d -c "$LAB/unbound/conf"
	cat >"$LAB/kresd/conf" <<-C
		for port, kind in pairs({[53] = 'dns', [853] = 'tls', [443] = 'doh2'}) do net.listen('127.0.53.11', port, { kind = kind }) end
		net.tls('$LAB/tls.pem', '$LAB/tls.key')
		net.ipv6 = false
		option('ALLOW_LOCAL', true)
		modules = { 'hints > iterate' }
		hints.root({ ['a.lab.'] = { '127.0.53.1' } })
		policy.add(policy.suffix(policy.PASS, policy.todnames({'test.'})))
		trust_anchors.remove('.')
		trust_anchors.add_file('$LAB/root.key', true)
		cache.open(10*MB, 'lmdb://$LAB/kresd/cache')
	C
	start kresd kresd -n -c "$LAB/kresd/conf" "$LAB/kresd"
	await hello dig +short @127.0.53.10 www.pars.test TXT
	await hello dig +short @127.0.53.11 www.pars.test TXT
}

case $verb in
up) up ;;
exec) exec ip netns exec "$(cat "$LAB/netns")" "$@" ;;
down) down ;;
inside) certificate; leaves; top; middle; root; resolvers ;;
*) usage ;;
esac
