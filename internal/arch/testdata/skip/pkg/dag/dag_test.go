package dag

import "testing"

func TestA(t *testing.T) {
	t.Skip("not today")
}

func TestB(t *testing.T) {
	t.Skip("no bash") // skip: that of the machine is asked
	// skip: as above
	t.SkipNow()
}

func FuzzC(f *testing.F) {
	// skip:
	f.Skipf("%d", 1)
}

func BenchmarkD(d *decoder) {
	d.Skip()
}
