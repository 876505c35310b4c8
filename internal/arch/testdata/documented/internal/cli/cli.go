package cli

func Open() {}
