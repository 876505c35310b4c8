// Package version says which release a program is, without linker flags, so that two builds of one tree stay equal.
package version

import (
	"runtime"
	"runtime/debug"
	"time"
)

// Number is the release; it carries "-dev" between releases.
const Number = "0.1.0-dev"

// String is the text behind --version: release, commit where the build knows it, toolchain and platform.
func String() string {
	s := Number
	if info, ok := debug.ReadBuildInfo(); ok {
		s += revision(info.Settings)
	}
	return s + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}

// Built is when what the program is built from was committed; zero where the build does not know it.
func Built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	return built(info.Settings)
}

func built(settings []debug.BuildSetting) time.Time {
	for _, kv := range settings {
		if t, err := time.Parse(time.RFC3339, kv.Value); kv.Key == "vcs.time" && err == nil {
			return t
		}
	}
	return time.Time{}
}

func revision(settings []debug.BuildSetting) string {
	var rev, dirty string
	for _, kv := range settings {
		switch {
		case kv.Key == "vcs.revision" && len(kv.Value) >= 12:
			rev = "+" + kv.Value[:12]
		case kv.Key == "vcs.modified" && kv.Value == "true":
			dirty = ".dirty"
		}
	}
	if rev == "" {
		return ""
	}
	return rev + dirty
}
