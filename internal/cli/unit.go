package cli

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Unit is a program that the system of a user starts and keeps running.
type Unit struct {
	Name        string   // of the service
	Description string   // one line
	Exec        []string // absolute path and arguments
	Writes      string   // the folder that it writes to
}

// Service is what one kind of system needs to run a Unit.
type Service struct {
	Path    string     // of the file, relative to Base
	Text    string     // of that file
	Install [][]string // commands, once it is written
	Remove  [][]string // commands, before it is removed
	Status  []string   // succeeds while it runs
}

// Service returns the service for a system by its GOOS: a systemd user unit on Linux, a launchd agent on
// macOS, a task of the scheduler on Windows, which needs no file; ok is false for others. Base is the
// user's folder of configuration on Linux and his home elsewhere.
func (u Unit) Service(goos string, uid int) (s Service, ok bool) {
	switch goos {
	case "linux":
		name := u.Name + ".service"
		ctl := []string{"systemctl", "--user"}
		return Service{Path: filepath.Join("systemd", "user", name), Text: u.systemd(),
			Install: [][]string{append(ctl[:2:2], "daemon-reload"), append(ctl[:2:2], "enable", "--now", name)},
			Remove:  [][]string{append(ctl[:2:2], "disable", "--now", name)},
			Status:  append(ctl[:2:2], "is-active", "--quiet", name)}, true
	case "darwin":
		label, domain := "network.pars."+u.Name, fmt.Sprintf("gui/%d", uid)
		file := filepath.Join("Library", "LaunchAgents", label+".plist")
		return Service{Path: file, Text: u.launchd(label),
			Install: [][]string{{"launchctl", "bootstrap", domain, "{path}"}},
			Remove:  [][]string{{"launchctl", "bootout", domain + "/" + label}},
			Status:  []string{"launchctl", "print", domain + "/" + label}}, true
	case "windows":
		return Service{Text: u.windows() + "\n",
			Install: [][]string{{"schtasks", "/Create", "/F", "/SC", "ONLOGON", "/TN", u.Name, "/TR", u.windows()}, {"schtasks", "/Run", "/TN", u.Name}},
			Remove:  [][]string{{"schtasks", "/End", "/TN", u.Name}, {"schtasks", "/Delete", "/F", "/TN", u.Name}},
			Status:  []string{"schtasks", "/Query", "/TN", u.Name}}, true
	}
	return Service{}, false
}

// systemd writes a user unit. It asks for no namespace of its own: not every user may have one.
func (u Unit) systemd() string {
	var words []string
	for _, w := range u.Exec {
		words = append(words, systemdWord(w))
	}
	return `[Unit]
Description=` + strings.NewReplacer("%", "%%", "\n", " ", "\\", "/").Replace(u.Description) + `

[Service]
ExecStart=` + strings.Join(words, " ") + `
Restart=on-failure
RestartSec=5
SuccessExitStatus=130
TimeoutStopSec=20
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_BLUETOOTH
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`
}

// systemdWord quotes a word of a command line (systemd.service(5), systemd.unit(5) on specifiers).
func systemdWord(w string) string {
	w = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$", "\n", `\n`, "\t", `\t`).Replace(w)
	if w == "" || strings.ContainsAny(w, " '\";\\") {
		return `"` + w + `"`
	}
	return w
}

// launchd writes a property list.
func (u Unit) launchd(label string) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	var args strings.Builder
	for _, w := range u.Exec {
		args.WriteString("\t\t<string>" + escape(w) + "</string>\n")
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + escape(label) + `</string>
	<key>ProgramArguments</key>
	<array>
` + args.String() + `	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>Umask</key>
	<integer>63</integer>
	<key>StandardErrorPath</key>
	<string>` + escape(filepath.Join(u.Writes, "service.log")) + `</string>
</dict>
</plist>
`
}

// windows writes a command line as CommandLineToArgvW reads it.
func (u Unit) windows() string {
	var words []string
	for _, w := range u.Exec {
		if w == "" || strings.ContainsAny(w, " \t\"") {
			w = windowsQuote(w)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// windowsQuote doubles the backslashes that stand before a quote or the end.
func windowsQuote(w string) string {
	out, slashes := `"`, 0
	for _, r := range w {
		switch r {
		case '\\':
			slashes++
			continue
		case '"':
			out += strings.Repeat(`\`, 2*slashes+1)
		default:
			out += strings.Repeat(`\`, slashes)
		}
		slashes = 0
		out += string(r)
	}
	return out + strings.Repeat(`\`, 2*slashes) + `"`
}
