package version

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestStringBeginsWithTheNumber(t *testing.T) {
	if got := String(); !strings.HasPrefix(got, Number) || strings.Contains(got, "\n") {
		t.Errorf("String() = %q, want one line that begins with %q", got, Number)
	}
}

func TestRevision(t *testing.T) {
	rev := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	mod := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, tc := range []struct {
		in   []debug.BuildSetting
		want string
	}{
		{nil, ""},
		{[]debug.BuildSetting{mod}, ""},
		{[]debug.BuildSetting{rev}, "+0123456789ab"},
		{[]debug.BuildSetting{rev, mod}, "+0123456789ab.dirty"},
	} {
		if got := revision(tc.in); got != tc.want {
			t.Errorf("revision(%v) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func ExampleString() {
	_ = String() // such as "0.1.0-dev go1.26.8 linux/amd64"
	// Output:
}

func TestBuilt(t *testing.T) {
	for value, want := range map[string]string{"2026-01-02T03:04:05Z": "2026-01-02T03:04:05Z", "yesterday": "0001-01-01T00:00:00Z"} {
		got := built([]debug.BuildSetting{{Key: "vcs.revision", Value: "2020-01-02T03:04:05Z"}, {Key: "vcs.time", Value: value}})
		if got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}
