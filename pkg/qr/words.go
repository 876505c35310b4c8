package qr

import (
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// byteWords are the 256 words of BCR-2020-012, four letters each.
const byteWords = "ableacidalsoapexaquaarchatomauntawayaxisbackbaldbarnbeltbetabiasbluebodybragbrewbulbbuzzcalmcashcatschefcityclawcodecolacookcost" +
	"cruxcurlcuspcyandarkdatadaysdelidicedietdoordowndrawdropdrumdulldutyeacheasyechoedgeepicevenexamexiteyesfactfairfernfigsfilmfish" +
	"fizzflapflewfluxfoxyfreefrogfuelfundgalagamegeargemsgiftgirlglowgoodgraygrimgurugushgyrohalfhanghardhawkheathelphighhillholyhope" +
	"hornhutsicedideaidleinchinkyintoirisironitemjadejazzjoinjoltjowljudojugsjumpjunkjurykeepkenokeptkeyskickkilnkingkitekiwiknoblamb" +
	"lavalazyleaflegsliarlimplionlistlogoloudloveluaulucklungmainmanymathmazememomenumeowmildmintmissmonknailnavyneednewsnextnoonnote" +
	"numbobeyoboeomitonyxopenovalowlspaidpartpeckplaypluspoempoolposepuffpumapurrquadquizraceramprealredorichroadrockroofrubyruinruns" +
	"rustsafesagascarsetssilkskewslotsoapsolosongstubsurfswantacotasktaxitenttiedtimetinytoiltombtoystriptunatwinuglyundouniturgeuser" +
	"vastveryvetovialvibeviewvisavoidvowswallwandwarmwaspwavewaxywebswhatwhenwhizwolfworkyankyawnyellyogayurtzapszerozestzinczonezoom"

// encodeWords returns data and its CRC-32 in minimal bytewords: first and last letter of each word.
func encodeWords(data []byte) string {
	var b strings.Builder
	for _, c := range binary.BigEndian.AppendUint32(append([]byte(nil), data...), crc32.ChecksumIEEE(data)) {
		b.WriteByte(byteWords[4*int(c)])
		b.WriteByte(byteWords[4*int(c)+3])
	}
	return b.String()
}

// wordTable finds the byte of a pair of letters; -1 where no word has them.
type wordTable [26][26]int16

func newWordTable() *wordTable {
	t := &wordTable{}
	for i := range t {
		for j := range t[i] {
			t[i][j] = -1
		}
	}
	for i := range 256 {
		t[byteWords[4*i]-'a'][byteWords[4*i+3]-'a'] = int16(i)
	}
	return t
}

// decodeWords is the inverse of encodeWords for small letters.
func decodeWords(s string) ([]byte, error) {
	if len(s)%2 != 0 || len(s) < 10 {
		return nil, wire.Invalid("bytewords of %d letters", len(s))
	}
	t, out := newWordTable(), make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		a, b := s[i]-'a', s[i+1]-'a'
		if a > 25 || b > 25 || t[a][b] < 0 {
			return nil, wire.Invalid("%q is no byteword", s[i:i+2])
		}
		out = append(out, byte(t[a][b]))
	}
	data := out[:len(out)-4]
	if crc32.ChecksumIEEE(data) != binary.BigEndian.Uint32(out[len(data):]) {
		return nil, wire.Invalid("bytewords with a wrong checksum")
	}
	return data, nil
}
