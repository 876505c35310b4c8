package dag

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/vertex"
)

func draw(t *testing.T, l *Log, dot bool) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.Draw(&b, dot); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDraw: every vertex and edge is in the picture, the same set gives the same bytes on another replica,
// and no body is in it.
func TestDraw(t *testing.T) {
	v := newVictim(t, true)
	for _, dot := range []bool{false, true} {
		got := draw(t, v.logs[1], dot)
		if dir := os.Getenv("DRAW"); dir != "" {
			os.WriteFile(fmt.Sprintf("%s/log%v", dir, dot), []byte(got), 0o644)
		}
		for _, it := range append(append([]vertex.Item{}, v.all...), v.wait...) {
			if !strings.Contains(got, it.ID.String()) {
				t.Fatalf("%s is not drawn", it.ID)
			}
			if it.Size > 0 && strings.Contains(got, string(it.Body)) {
				t.Fatalf("the body %q is drawn", it.Body)
			}
		}
		v.restore(nil)
		if draw(t, v.logs[1], dot) != got {
			t.Error("another opening is drawn differently")
		}
	}
	svg := draw(t, v.logs[1], false)
	for what, want := range map[string]int{`class="ring"`: len(v.logs[1].Heads()), ` parked" cx`: len(v.logs[1].park.items)} {
		if n := strings.Count(svg, what); n != want {
			t.Errorf("%d times %s, want %d", n, what, want)
		}
	}
	if !strings.Contains(svg, ` fork" cx`) || !strings.Contains(draw(t, v.logs[1], true), "#d1242f") {
		t.Error("the fork is not shown")
	}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

func TestDrawEmpty(t *testing.T) {
	r := newRoom(t, 2)
	for _, dot := range []bool{false, true} {
		if got := draw(t, r.logs[1], dot); !strings.HasSuffix(got, ">\n") && !strings.HasSuffix(got, "}\n") {
			t.Errorf("%q", got)
		}
	}
}
