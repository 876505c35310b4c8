package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	found, err := Check("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// Every planted tree is refused for exactly the reasons in its want.txt, and every rule has one.
func TestPlantedTrees(t *testing.T) {
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var planted []string
	for _, d := range dirs {
		planted = append(planted, d.Name())
		t.Run(d.Name(), func(t *testing.T) {
			root := filepath.Join("testdata", d.Name())
			tree, err := load(root)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(root, "want.txt"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rules() {
				if r.name != d.Name() {
					continue
				}
				for _, f := range r.check(tree) {
					f.Rule = r.name
					got = append(got, f.String())
				}
			}
			slices.Sort(got)
			lines := strings.Split(strings.TrimSpace(string(want)), "\n")
			if !slices.Equal(got, lines) {
				t.Errorf("refused\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
			}
		})
	}
	for _, r := range rules() {
		if !slices.Contains(planted, r.name) {
			t.Errorf("rule %s has no planted tree", r.name)
		}
	}
}
