package dag

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/store"
)

type headRow struct{ node.Head }

// Text is the vertex id.
func (h headRow) Text() string { return h.ID }

func headsVerb() *urfave.Command {
	return &urfave.Command{
		Name: "heads", Usage: "print the entries that nobody has built on yet", ArgsUsage: "[SESSION]", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			session := strings.Join(cli.Args(c), "")
			return attach.Do(c, false, func(a node.API) error {
				return a.Heads(c.Context, session, func(h node.Head) error { return cli.Out(c).Print(headRow{h}) })
			})
		},
	}
}

type vertexRow struct{ node.Vertex }

// Text is id, author, seq, lamport, kind and size.
func (v vertexRow) Text() string {
	return attach.Strings(v.ID, v.Author, v.Seq, v.Lamport, v.Kind, v.Size)
}

func list(name, usage string) *urfave.Command {
	return &urfave.Command{
		Name: name, Usage: usage, ArgsUsage: "SESSION", Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a node.API) error {
				return a.Log(c.Context, cli.Args(c)[0], func(v node.Vertex) error { return cli.Out(c).Print(vertexRow{v}) })
			})
		},
	}
}

func lsVerb() *urfave.Command {
	return list("ls", "list a session's entries in causal order")
}

func logVerb() *urfave.Command {
	return list("log", "list a session's entries in the total order that every replica with the same entries has")
}

type vertexBytes struct{ node.VertexBytes }

// Text is the vertex as JSON.
func (v vertexBytes) Text() string {
	b, err := json.Marshal(v.VertexBytes)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func catVerb() *urfave.Command {
	return &urfave.Command{
		Name: "cat", Usage: "print one entry as JSON, or its bytes with -o", ArgsUsage: "VERTEX_ID", Flags: attach.Flags(cli.OutputFlag()),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a node.API) error {
				v, err := a.Cat(c.Context, cli.Args(c)[0])
				if err != nil {
					return err
				}
				if c.String("o") == "" {
					return cli.Out(c).Print(vertexBytes{v})
				}
				return cli.Output(c, func(w io.Writer) error { _, err := w.Write(v.Bytes); return err })
			})
		},
	}
}

type checkRow struct {
	node.Check
	fault string
}

// Text is the verdict; replicas with the same entries print the same line.
func (r checkRow) Text() string {
	if r.fault != "" {
		return r.fault
	}
	return fmt.Sprintf("ok %d vertices %d heads digest %s", r.Vertices, r.Heads, r.Digest)
}

var errFaults = fmt.Errorf("the log is damaged on disk, the node asks its peers for what is lost: %w", store.ErrCorrupt)

func checkVerb() *urfave.Command {
	return &urfave.Command{
		Name: "check", Usage: "read everything of a session and say whether it is whole", ArgsUsage: "SESSION",
		Description: "Two replicas that hold the same set print the same line. What waits for others is not counted. Exit 6 and " +
			"a line for each fault when something does not open.",
		Flags: attach.Flags(),
		Action: func(c *urfave.Context) error {
			return attach.Do(c, false, func(a node.API) error {
				v, err := a.Check(c.Context, cli.Args(c)[0])
				if err != nil {
					return err
				}
				if len(v.Faults) == 0 || c.Bool("json") {
					err = cli.Out(c).Print(checkRow{Check: v})
				}
				for _, f := range v.Faults {
					if !c.Bool("json") {
						err = errors.Join(err, cli.Out(c).Print(checkRow{fault: f}))
					}
				}
				if len(v.Faults) > 0 {
					err = errors.Join(err, errFaults)
				}
				return err
			})
		},
	}
}
