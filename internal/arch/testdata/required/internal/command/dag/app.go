package dag

type flag struct{ Required bool }

func flags() []flag { return []flag{{Required: true}, {Required: false}} }
