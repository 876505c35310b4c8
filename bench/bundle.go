package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// bundleRows measure files that a courier carries: how many bytes beside what people wrote, and how fast.
func bundleRows(b *bench) error {
	if err := overheadRows(b); err != nil {
		return err
	}
	if err := chatRows(b); err != nil {
		return err
	}
	return nncpRows(b)
}

// chat is a conversation of 20 authors who answer each other.
type chat struct {
	keys    []sig.Private
	session vertex.Session
	last    map[int]vertex.Item
	head    vertex.Item
	items   []vertex.Item
	r       *rand.Rand
}

func newChat(authors int, seed uint64) *chat {
	c := &chat{last: map[int]vertex.Item{}, r: rand.New(rand.NewPCG(seed, 3))}
	for i := range authors {
		c.keys = append(c.keys, sig.FromSeed([32]byte{byte(i), byte(seed)}))
	}
	c.session = vertex.SessionOf(c.keys[0].Public())
	return c
}

// say adds an entry; body makes its body at its place.
func (c *chat) say(body func(v *vertex.Vertex) []byte) {
	a := c.r.IntN(len(c.keys))
	if len(c.items) == 0 {
		a = 0
	}
	v := vertex.Vertex{Session: c.session, Author: c.keys[a].Public(), Kind: vertex.App, Lamport: 1, HLC: 1_700_000_000_000}
	if h := c.head; len(c.items) > 0 {
		v.Lamport, v.HLC = h.Lamport+1, h.HLC+uint64(c.r.ExpFloat64()*3000)
		if l, ok := c.last[a]; ok {
			v.Seq, v.Prev = l.Seq+1, l.ID
		}
		if v.Seq == 0 || v.Prev != h.ID {
			v.Parents = []vertex.ID{h.ID}
		}
	}
	it := vertex.Seal(v, body(&v), c.keys[a])
	c.head, c.last[a] = it, it
	c.items = append(c.items, it)
}

// runs packs all entries with the signatures of tips alone and counts those.
func (c *chat) runs() (out [][]byte, signatures int, err error) {
	lamport := map[vertex.ID]uint64{}
	for i := range c.items {
		lamport[c.items[i].ID] = c.items[i].Lamport
	}
	find := func(id vertex.ID) (uint64, bool) { l, ok := lamport[id]; return l, ok }
	for rest := c.items; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && n < vertex.MaxRunItems && size+len(rest[n].Body)+14 < vertex.MaxRun-4096 {
			size += len(rest[n].Body) + 14
			n++
		}
		cut := append([]vertex.Item(nil), rest[:n]...)
		vertex.TipSignatures(cut)
		run, err := vertex.Pack(cut, find)
		if err != nil {
			return nil, 0, err
		}
		for i := range cut {
			if cut[i].Signed {
				signatures++
			}
		}
		out, rest = append(out, run), rest[n:]
	}
	return out, signatures, nil
}

// file packs runs into a bundle and returns its size.
func file(session vertex.Session, runs [][]byte, parity int, w io.Writer) (int64, error) {
	var list []bundle.Record
	for _, r := range runs {
		list = append(list, bundle.Record{Kind: bundle.KindVertices, Payload: append(session[:len(session):len(session)], r...)})
	}
	p, err := bundle.Pack(w, bundle.Records(list...), bundle.Options{To: bundle.Recipients{Groups: []bundle.Key{{1}}}, Form: bundle.FormSealed,
		Parity: parity, Created: 480_000, Secret: bundle.Key{2}})
	if err != nil {
		return 0, err
	}
	return p.Size, nil
}

func total(list [][]byte) (n int) {
	for _, b := range list {
		n += len(b)
	}
	return n
}

// overheadRows: 10,000 entries of 20 authors, with bare bodies of 100 bytes and with sealed ones.
func overheadRows(b *bench) error {
	const n = 10_000
	keys := envelope.Derive(envelope.Secret{7}, [32]byte{1})
	for _, sealed := range []bool{false, true} {
		c := newChat(20, 1)
		content := 0
		var err error
		for range n {
			c.say(func(v *vertex.Vertex) []byte {
				text := make([]byte, 100)
				for i := range text {
					text[i] = byte(c.r.Uint32())
				}
				if !sealed {
					content += len(text)
					return text
				}
				body, e := keys.Seal(envelope.Place{Author: v.Author, Seq: v.Seq, Skeleton: v.AppendSkeleton(nil)}, text, fixed{})
				if e != nil {
					err = e
				}
				content += len(body) - envelope.Size(0) + 32 // the text, padded
				return body
			})
		}
		if err != nil {
			return err
		}
		runs, signatures, err := c.runs()
		if err != nil {
			return err
		}
		size, err := file(c.session, runs, 0, io.Discard)
		if err != nil {
			return err
		}
		what, inRun, inFile, peer := "bare body of 100 B", 9.0, 13.0, 230.0
		if sealed {
			what, inRun, inFile, peer = "sealed message", 29, 34, 0
		}
		own := float64(total(runs)-content) / n
		table := 35 // an author's key, seq and prev
		if sealed {
			table += 14 // the header of a first body
		}
		tables := float64(signatures*66+len(runs)*20*table+(len(runs)-1)*20*35) / n // in all runs but the first prev stands outside: 32 and a lamport of 3
		var p *figure
		if peer > 0 { // canonical CBOR of the same entries
			raw := 0
			for i := range c.items {
				raw += len(c.items[i].Append(nil))
			}
			f := once(float64(raw-content) / n)
			p = &f
		}
		b.add(row{Area: "bundle", Measure: "overhead of a " + what + " inside a run", Unit: "B", Peer: "canonical CBOR with signature", Rounds: 1}, p, once(own-tables)).
			atMost(inRun).note("20 authors, 3 s between messages; without the tables of authors, of entries named outside, and tip signatures of runs cut at 192 KiB, which are %.1f B more", tables)
		b.add(row{Area: "bundle", Measure: "overhead of a " + what + " in the file, no parity, no bucket", Unit: "B", Peer: "canonical CBOR with signature", Rounds: 1}, p,
			once(float64(size-int64(content))/n)).atMost(inFile)
	}
	return nil
}

// fixed is randomness for salts.
type fixed struct{}

func (fixed) Read(p []byte) (int, error) { return len(p), nil }

// words are common Persian words, of which messages are made.
const words = `سلام خوبی ممنون امروز فردا دیشب خانه مدرسه کار بازار نان آب چای دوست مادر پدر برادر خواهر بچه شهر تهران شیراز اصفهان تبریز مشهد رشت راه ماشین اتوبوس مترو ` +
	`باران برف گرم سرد خوب بد زیبا بزرگ کوچک نزدیک دور زود دیر همیشه هرگز شاید باید می‌روم می‌آیم گفتم دیدم شنیدم نوشتم خواندم بخر بیا برو ببین بگو چرا کجا کی چه چطور ` +
	`اینترنت قطع وصل خبر پیام تلفن عکس کتاب روزنامه دانشگاه بیمارستان دارو پزشک پول بانک قیمت گران ارزان آزادی زندگی امید صبر شب روز صبح عصر هفته ماه سال`

// chatLine is one line of what the peers get: the text, and an entry field by field as pars-dag cat tells it, so that
// its signature can still be checked: it is over the hash of the sealed text, which nobody computes from the text.
type chatLine struct {
	ID        string   `json:"id"`
	Session   string   `json:"session"`
	Author    string   `json:"author"`
	Prev      string   `json:"prev,omitempty"`
	Parents   []string `json:"parents"`
	Epoch     uint32   `json:"epoch"`
	Seq       uint64   `json:"seq"`
	Lamport   uint64   `json:"lamport"`
	Time      uint64   `json:"time"`
	Kind      string   `json:"kind"`
	Size      uint32   `json:"size"`
	BodyHash  string   `json:"body_hash"`
	Signature string   `json:"signature"`
	Text      string   `json:"text"`
}

// chatRows: 100,000 Persian messages beside what others make of the same ones.
func chatRows(b *bench) error {
	n := 100_000
	if b.quick {
		n = 20_000
	}
	c := newChat(20, 2)
	vocabulary := strings.Fields(words)
	keys := envelope.Derive(envelope.Secret{7}, [32]byte{1})
	var texts []string
	var sealErr error
	for range n {
		var w []string
		for range 3 + c.r.IntN(23) {
			w = append(w, vocabulary[c.r.IntN(len(vocabulary))])
		}
		text := strings.Join(w, " ")
		texts = append(texts, text)
		c.say(func(v *vertex.Vertex) []byte {
			body, err := keys.Seal(envelope.Place{Author: v.Author, Seq: v.Seq, Skeleton: v.AppendSkeleton(nil)}, append([]byte{1}, text...), fixed{})
			if err != nil {
				sealErr = err
			}
			return body
		})
	}
	if sealErr != nil {
		return sealErr
	}
	runs, signatures, err := c.runs()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "chat")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	ours, err := file(c.session, runs, 0, io.Discard)
	if err != nil {
		return err
	}
	withParity, err := file(c.session, runs, 800, io.Discard)
	if err != nil {
		return err
	}
	ndjson := filepath.Join(dir, "chat.ndjson")
	text, err := c.ndjson(ndjson, texts)
	if err != nil {
		return err
	}
	mb := func(v int64) figure { return once(float64(v) / 1e6) }
	info, err := os.Stat(ndjson)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("NDJSON %.1f MB; of ours: texts %.2f MB, AEAD tags and salts %.2f, tip signatures %.2f; with 8 %% parity %.2f in all",
		float64(info.Size())/1e6, float64(text)/1e6, float64(20*n)/1e6, float64(66*signatures)/1e6, float64(withParity)/1e6)
	what := fmt.Sprintf("%d Persian messages, sealed", n)
	git, err := c.gitBundle(dir, texts)
	if err != nil {
		return err
	}
	p := mb(git)
	b.add(row{Area: "bundle", Measure: what, Unit: "MB", Peer: "git bundle (plain)", Rounds: 1}, &p, mb(ours)).aim("<= 0.5 x", ours*2 <= git).note("%s", note)
	for _, t := range [][]string{{"gzip", "-9", "-c"}, {"zstd", "-19", "-q", "-c"}} {
		size, err := piped(ndjson, t...)
		if err != nil {
			return err
		}
		p := mb(size)
		b.add(row{Area: "bundle", Measure: what, Unit: "MB", Peer: strings.Join(t[:2], " ") + " of NDJSON (plain)", Rounds: 1}, &p, mb(ours)).aim("< 1 x", ours < size)
	}
	return nil
}

// ndjson writes the messages as lines and returns the bytes of the texts alone.
func (c *chat) ndjson(name string, texts []string) (int64, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var out bytes.Buffer
	n := int64(0)
	for i := range c.items {
		it := &c.items[i]
		l := chatLine{ID: it.ID.String(), Session: it.Session.String(), Author: hex.EncodeToString(it.Author[:]), Seq: it.Seq, Lamport: it.Lamport,
			Time: it.HLC, Kind: "app", Size: it.Size, BodyHash: hex.EncodeToString(it.BodyHash[:]), Signature: hex.EncodeToString(it.Sig[:]), Text: texts[i]}
		if it.Seq > 0 {
			l.Prev = it.Prev.String()
		}
		for _, p := range it.Parents {
			l.Parents = append(l.Parents, p.String())
		}
		n += int64(len(texts[i]))
		j, err := json.Marshal(l)
		if err != nil {
			return 0, err
		}
		out.Write(append(j, '\n'))
	}
	_, err = f.Write(out.Bytes())
	return n, err
}

// gitBundle makes a commit of each message, with its signature and what that is over in its message, and bundles the branch.
func (c *chat) gitBundle(dir string, texts []string) (int64, error) {
	repo := filepath.Join(dir, "git")
	if err := exec.Command("git", "init", "-q", "--bare", repo).Run(); err != nil {
		return 0, fmt.Errorf("git init: %w", err)
	}
	var in bytes.Buffer
	for i := range c.items {
		it := &c.items[i]
		who := hex.EncodeToString(it.Author[:])
		text := fmt.Sprintf("%s\n\n%x\n%x\n", texts[i], it.BodyHash, it.Sig)
		fmt.Fprintf(&in, "commit refs/heads/main\nmark :%d\ncommitter %s <%s> %d +0000\ndata %d\n%s\n", i+1, who[:8], who, it.HLC/1000, len(text), text)
		if i > 0 {
			fmt.Fprintf(&in, "from :%d\n", i)
		}
	}
	imp := exec.Command("git", "-C", repo, "fast-import", "--quiet")
	imp.Stdin, imp.Stderr = &in, os.Stderr
	if err := imp.Run(); err != nil {
		return 0, fmt.Errorf("git fast-import: %w", err)
	}
	out := filepath.Join(dir, "git.bundle")
	if msg, err := exec.Command("git", "-C", repo, "bundle", "create", "-q", out, "main").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("git bundle: %w: %s", err, msg)
	}
	info, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// piped counts the bytes that a tool makes of a file.
func piped(name string, tool ...string) (int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	cmd := exec.Command(tool[0], tool[1:]...)
	var n counting
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, &n, os.Stderr
	err = cmd.Run()
	return int64(n), err
}

type counting int64

func (c *counting) Write(p []byte) (int, error) { *c += counting(len(p)); return len(p), nil }

// run runs a command and adds what it took.
func run(c *cost, env []string, stdin, stdout, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if stdin != "" {
		f, err := os.Open(stdin)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.Stdin = f
	}
	if stdout != "" {
		f, err := os.Create(stdout)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.Stdout = f
	}
	start := time.Now()
	err := cmd.Run()
	c.wall += time.Since(start).Seconds()
	if s := cmd.ProcessState; s != nil {
		c.cpu += (s.UserTime() + s.SystemTime()).Seconds()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, errs.String())
	}
	return nil
}
