package version

import (
	"runtime/debug"
	"strings"
	"testing"
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
