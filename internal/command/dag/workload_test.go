package dag

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/pars-network/pars/pkg/vertex"
)

// A workload is the same bytes each time, of the size that was asked for, and imports whole.
func TestWorkload(t *testing.T) {
	w := Workload{Vertices: 2000, Size: 1024, Authors: 20, Seed: 7}
	var one, two bytes.Buffer
	root, err := w.Write(&one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(&two); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("two writings differ (%v)", err)
	}
	first, _, err := vertex.DecodeItem(one.Bytes())
	if err != nil || first.ID != root.ID {
		t.Errorf("genesis %s, %v", first.ID, err)
	}
	if mean := one.Len() / w.Vertices; mean < 1014 || mean > 1024 {
		t.Errorf("%d bytes an entry", mean)
	}
	r, err := BenchImport(t.Context(), w, t.TempDir())
	if err != nil || r.Vertices != w.Vertices || r.Seconds <= 0 || r.Floor <= 0 || r.Disk < r.Bytes/2 {
		t.Errorf("%+v, %v", r, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BenchImport(gone, w, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was ended: %v", err)
	}
	for _, bad := range []Workload{{}, {Vertices: 1, Size: 100, Authors: 20}, {Vertices: 1, Size: 1024, Authors: 2}} {
		if _, err := bad.Write(&one); err == nil {
			t.Errorf("%+v was made", bad)
		}
	}
}
