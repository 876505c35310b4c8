package sig

import (
	"encoding/json"
	"os"
	"testing"
)

type wycheproof struct {
	NumberOfTests int
	TestGroups    []struct {
		PublicKey struct{ Pk string }
		Tests     []struct {
			TcID             int
			Comment          string
			Msg, Sig, Result string
		}
	}
}

// zip215Accepts holds the cases that RFC 8032 refuses and ZIP-215 accepts.
func zip215Accepts(id int) bool {
	return id == 151 // R is the identity with the sign bit set: one of the fourteen encodings
}

func TestWycheproof(t *testing.T) {
	raw, err := os.ReadFile("testdata/ed25519_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file wycheproof
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	ran, length := 0, 0
	for _, g := range file.TestGroups {
		pub := Public(unhex(t, g.PublicKey.Pk))
		for _, c := range g.Tests {
			ran++
			s := unhex(t, c.Sig)
			if len(s) != len(Signature{}) {
				if length++; c.Result == "valid" {
					t.Errorf("case %d: valid, but %d bytes long", c.TcID, len(s))
				}
				continue
			}
			want := c.Result == "valid" || zip215Accepts(c.TcID)
			if got := Verify(pub, "", unhex(t, c.Msg), Signature(s)); got != want {
				t.Errorf("case %d (%s): got %v want %v", c.TcID, c.Comment, got, want)
			}
		}
	}
	if ran != file.NumberOfTests || length != 12 {
		t.Errorf("ran %d of %d, %d of another length", ran, file.NumberOfTests, length)
	}
}
