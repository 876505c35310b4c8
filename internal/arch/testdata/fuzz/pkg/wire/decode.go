package wire

func DecodeNaked(b []byte) error { return nil }

func DecodeCalled(b []byte) error { return nil }

func ParseNamed(s string) error { return nil }

func parseHidden(s string) error { return nil }

type Frame struct{}

func (f *Frame) DecodeBody(b []byte) error { return nil }
