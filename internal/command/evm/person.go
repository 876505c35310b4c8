package evm

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

// person answers questions at the terminal. What is typed while nothing is asked counts for nothing.
type person struct {
	c     *urfave.Context
	typed chan string
}

// newPerson begins to read the terminal. A read cannot be ended: it stays until the terminal or the process ends.
func newPerson(c *urfave.Context) *person {
	p := &person{c, make(chan string, 1)}
	go p.read(c.App.Reader)
	return p
}

func (p *person) read(r io.Reader) {
	defer close(p.typed)
	for s := bufio.NewScanner(r); s.Scan(); {
		select {
		case p.typed <- s.Text():
		default:
		}
	}
}

// ask shows lines and wants a number back that only this question has: a yes that was meant for a question that its
// asker took back is none for the next.
func (p *person) ask(ctx context.Context, lines []string) (bool, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(9000))
	if err != nil {
		return false, err
	}
	code := fmt.Sprint(1000 + n.Int64())
	select {
	case <-p.typed: // before the question
	default:
	}
	for _, l := range lines {
		cli.Warnf(p.c, "%s", cli.Escape(l))
	}
	cli.Warnf(p.c, "type %s to allow it, anything else to refuse", code)
	select {
	case <-ctx.Done():
		cli.Warnf(p.c, "taken back")
		return false, ctx.Err()
	case s, ok := <-p.typed:
		if !ok {
			return false, errors.New("nobody is at the terminal any more")
		}
		return s == code, nil
	}
}
