package profile

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed builtin/*.json
var builtin embed.FS

// Names returns the names of the built-in profiles in alphabetical order.
func Names() []string {
	files, err := fs.Glob(builtin, "builtin/*.json")
	if err != nil {
		return nil // only a malformed pattern can end here
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "builtin/"), ".json")
	}
	slices.Sort(files)
	return files
}

// Load returns the built-in profile of that name, or reads the file with read (os.ReadFile in a
// program) when the argument is not the shape of a name: a path has a dot or a slash in it. A name
// that is not built in gives ErrUnknown and the list of those that are.
func Load(nameOrFile string, read func(string) ([]byte, error)) (*Profile, error) {
	if plainName(nameOrFile) {
		b, err := builtin.ReadFile("builtin/" + nameOrFile + ".json")
		if err != nil {
			return nil, fmt.Errorf("%w %s: built in are %s", ErrUnknown, nameOrFile, strings.Join(Names(), ", "))
		}
		return Parse(b)
	}
	b, err := read(nameOrFile)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", nameOrFile, err)
	}
	p, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", nameOrFile, err)
	}
	return p, nil
}
