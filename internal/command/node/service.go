package node

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/store"
)

func serviceVerb() *urfave.Command {
	const what = "A service of this user, which needs no root: a systemd user unit on Linux, a launchd agent on macOS, a scheduled task on Windows. " +
		"Each --home has its own. "
	verb := func(name, usage, description string, do func(*service, *urfave.Context) error, flags ...urfave.Flag) *urfave.Command {
		return &urfave.Command{Name: name, Usage: usage, Description: description, ArgsUsage: "[RUN_FLAG…]", Flags: attach.Flags(flags...),
			Action: func(c *urfave.Context) error {
				s, err := newService(c)
				if err != nil {
					return err
				}
				return do(s, c)
			}}
	}
	system := &urfave.StringFlag{Name: "system", Usage: "print for `NAME`: linux, darwin or windows", DefaultText: "this one"}
	return &urfave.Command{Name: "service", Usage: "have the node started by the system", Subcommands: []*urfave.Command{
		verb("install", "start the node now and whenever the user logs in", what+"Flags of run stand behind --: pars-node service install -- --metered. "+
			"On Linux it ends with the user's session, unless root says: loginctl enable-linger USER.", (*service).install),
		verb("remove", "stop it and forget it; the home stays", what, (*service).remove),
		verb("status", "tell whether it is installed and runs", what, (*service).status),
		verb("print", "print what install would write", what, (*service).print, system)}}
}

// service is the node of one home as the system runs it.
type service struct {
	cli.Service
	unit cli.Unit
	file string // whole path; empty where there is none
}

// newService describes the service for the flags of a verb and those of run behind them.
func newService(c *urfave.Context) (*service, error) {
	goos := runtime.GOOS
	if s := c.String("system"); s != "" {
		goos = s
	}
	u, err := nodeUnit(c)
	if err != nil {
		return nil, err
	}
	s := &service{unit: u}
	var ok bool
	if s.Service, ok = u.Service(goos, os.Getuid()); !ok {
		return nil, cli.Usagef("service: not known on %s: have pars-node run started by what this system has", goos)
	}
	if s.Path == "" {
		return s, nil
	}
	base, err := os.UserHomeDir()
	if goos == "linux" {
		base, err = os.UserConfigDir()
	}
	if err != nil {
		return nil, err
	}
	s.file = filepath.Join(base, s.Path)
	for _, command := range s.Install {
		for i := range command {
			command[i] = strings.ReplaceAll(command[i], "{path}", s.file)
		}
	}
	return s, nil
}

// nodeUnit is pars-node run with the home, the profile and the passphrase's file as whole paths.
func nodeUnit(c *urfave.Context) (cli.Unit, error) {
	self, err := os.Executable()
	if err != nil {
		return cli.Unit{}, err
	}
	home, err := cli.Home(c)
	if err == nil {
		home, err = filepath.Abs(home)
	}
	if err != nil {
		return cli.Unit{}, err
	}
	u := cli.Unit{Name: unitName(c, home), Description: "pars node of " + home, Exec: []string{self, "run", "--home", home}, Writes: home}
	if p := cli.Profile(c); p != cli.DefaultProfile {
		if _, err := os.Stat(p); err == nil {
			if p, err = filepath.Abs(p); err != nil {
				return u, err
			}
		}
		u.Exec = append(u.Exec, "--profile", p)
	}
	if f := c.String("passphrase-file"); f != "" {
		if f == "-" {
			return u, cli.Usagef("service: nobody types at a service: give the passphrase in a file")
		}
		if f, err = filepath.Abs(f); err != nil {
			return u, err
		}
		u.Exec = append(u.Exec, "--passphrase-file", f)
	}
	more, err := runFlags(c.Args().Slice())
	u.Exec = append(u.Exec, more...)
	return u, err
}

// unitName tells the services of several homes apart; that of the usual home is pars-node.
func unitName(c *urfave.Context, home string) string {
	if !c.IsSet("home") {
		return "pars-node"
	}
	sum := sha256.Sum256([]byte(home))
	return "pars-node-" + hex.EncodeToString(sum[:4])
}

// runFlags checks that the words are flags of run, so that a typing error is told now and not by a
// service that does not start.
func runFlags(words []string) ([]string, error) {
	var known []string
	for _, f := range runVerb().Flags {
		known = append(known, f.Names()...)
	}
	for _, w := range words {
		name, isFlag := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && !slices.Contains(known, name) {
			return nil, cli.Usagef("service: run has no flag --%s", name)
		}
	}
	if len(words) > 0 && !strings.HasPrefix(words[0], "--") {
		return nil, cli.Usagef("service: %q is no flag of run", words[0])
	}
	return words, nil
}

type unitRow struct {
	Path string `json:"path,omitempty"`
	Unit string `json:"unit"`
}

// Text is the unit itself.
func (r unitRow) Text() string { return strings.TrimSuffix(r.Unit, "\n") }

func (s *service) print(c *urfave.Context) error {
	return cli.Out(c).Print(unitRow{s.file, s.Service.Text})
}

func (s *service) install(c *urfave.Context) error {
	if s.file != "" {
		if err := os.MkdirAll(filepath.Dir(s.file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(s.file, []byte(s.Service.Text), 0o644); err != nil {
			return err
		}
	}
	for i, command := range s.Install {
		if err := s.do(c, command); err != nil {
			var left []string
			for _, command := range s.Install[i:] {
				left = append(left, strings.Join(command, " "))
			}
			return fmt.Errorf("%s is written, but is not started; what is left to do: %s: %w", s.file, strings.Join(left, " && "), err)
		}
	}
	return s.status(c)
}

func (s *service) remove(c *urfave.Context) error {
	if !s.installed(c) {
		return fmt.Errorf("no service %s is installed: %w", s.unit.Name, store.ErrNotFound)
	}
	var errs []error
	for _, command := range s.Remove {
		errs = append(errs, s.do(c, command))
	}
	if s.file == "" {
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, os.Remove(s.file))...)
}

// installed reports whether the system knows the service, or its file stands.
func (s *service) installed(c *urfave.Context) bool {
	if s.file == "" {
		return s.do(c, s.Status) == nil
	}
	_, err := os.Stat(s.file)
	return !errors.Is(err, fs.ErrNotExist)
}

type serviceRow struct {
	Service   string `json:"service"`
	Installed bool   `json:"installed"`
	Active    bool   `json:"active"`
	Path      string `json:"path,omitempty"`
}

// Text is the name, whether it is installed and whether it runs.
func (r serviceRow) Text() string {
	words := map[bool]string{true: "installed", false: "absent"}[r.Installed]
	return attach.Strings(r.Service, words, map[bool]string{true: "active", false: "inactive"}[r.Active], r.Path)
}

func (s *service) status(c *urfave.Context) error {
	row := serviceRow{Service: s.unit.Name, Installed: s.installed(c), Path: s.file}
	row.Active = row.Installed && s.do(c, s.Status) == nil
	return cli.Out(c).Print(row)
}

// do runs one command of the system.
func (s *service) do(c *urfave.Context, command []string) error {
	out, err := exec.CommandContext(c.Context, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
