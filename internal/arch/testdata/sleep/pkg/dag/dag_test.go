package dag

import "time"

func naps() {
	time.Sleep(1)
	time.Sleep(1) // sleep: the kernel gives no event for this
	// sleep: as above
	time.Sleep(1)
	// sleep:
	time.Sleep(1)
	// because
	time.Sleep(1)
}
