package dag

func init() {}

type x struct{}

func (x) init() {}
