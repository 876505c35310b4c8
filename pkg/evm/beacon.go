package evm

import (
	"context"
	"fmt"
	"mime"
	"net/http"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

// Source delivers light-client containers in SSZ. Nothing it says is believed; ErrNone means that there is none yet.
type Source interface {
	Name() string
	Bootstrap(ctx context.Context, root Hash) ([]byte, error)
	// Updates returns the best updates of at most n periods in a row.
	Updates(ctx context.Context, period uint64, n int) ([][]byte, error)
	Finality(ctx context.Context) ([]byte, error)
	Optimistic(ctx context.Context) ([]byte, error)
}

// Beacon is a server with the beacon API.
type Beacon struct {
	URL  string
	HTTP *http.Client
	Spec *light.Spec
}

// Name is the server's part of the URL: what follows may be a key.
func (b *Beacon) Name() string { return plainURL(b.URL) }

// MaxUpdates is how many updates one request asks for.
const MaxUpdates = 16

func (b *Beacon) get(ctx context.Context, path string, limit int) (body []byte, ssz bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, trimBase(b.URL)+path, nil)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Accept", "application/octet-stream;q=1.0,application/json;q=0.9")
	r, err := b.HTTP.Do(req)
	if err != nil {
		return nil, false, plainNet(err)
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusInternalServerError: // Lodestar 1.5.1 says 500 for "not yet"
		return nil, false, fmt.Errorf("status %d: %w", r.StatusCode, ErrNone)
	default:
		return nil, false, fmt.Errorf("status %d", r.StatusCode)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err = answerBody(r, limit)
	return body, kind == "application/octet-stream", err
}

func (b *Beacon) container(ctx context.Context, k light.Kind, path string) ([]byte, error) {
	body, ssz, err := b.get(ctx, "/eth/v1/beacon/light_client/"+path, 4*b.Spec.MaxSize(k)+4096)
	if err != nil || ssz {
		return body, err
	}
	return b.Spec.ConvertJSON(k, body)
}

// Bootstrap is the container of a block root.
func (b *Beacon) Bootstrap(ctx context.Context, root Hash) ([]byte, error) {
	return b.container(ctx, light.KindBootstrap, "bootstrap/"+root.String())
}

// Finality is the newest finality update.
func (b *Beacon) Finality(ctx context.Context) ([]byte, error) {
	return b.container(ctx, light.KindFinality, "finality_update")
}

// Optimistic is the newest optimistic update.
func (b *Beacon) Optimistic(ctx context.Context) ([]byte, error) {
	return b.container(ctx, light.KindOptimistic, "optimistic_update")
}

// Updates asks for the best updates of n periods.
func (b *Beacon) Updates(ctx context.Context, period uint64, n int) ([][]byte, error) {
	n = min(n, MaxUpdates)
	path := fmt.Sprintf("/eth/v1/beacon/light_client/updates?start_period=%d&count=%d", period, n)
	body, ssz, err := b.get(ctx, path, n*(4*b.Spec.MaxSize(light.KindUpdate)+4096))
	if err != nil {
		return nil, err
	}
	if ssz {
		return b.Spec.SplitSSZ(body, n)
	}
	list, err := light.SplitJSON(body, n)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(list))
	for i, j := range list {
		if out[i], err = b.Spec.ConvertJSON(light.KindUpdate, j); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// BlockRoot asks for the root of "head", "finalized" or a slot: a hint for a person who trusts this server.
func (b *Beacon) BlockRoot(ctx context.Context, id string) (Hash, error) {
	body, _, err := b.get(ctx, "/eth/v1/beacon/blocks/"+id+"/root", 4096)
	if err != nil {
		return Hash{}, err
	}
	return rootOf(body)
}

func rootOf(body []byte) (Hash, error) {
	var j struct {
		Data struct {
			Root string `json:"root"`
		} `json:"data"`
	}
	if err := unmarshal(body, &j); err != nil {
		return Hash{}, wire.Invalid("no JSON")
	}
	return ParseHash(j.Data.Root)
}

// NewBeacon checks the URL.
func NewBeacon(url string, h *http.Client, s *light.Spec) (*Beacon, error) {
	return &Beacon{url, h, s}, baseURL(url)
}
