package dag

import "time"

func nap() { time.Sleep(1) }
