package identity

// nearest returns the word of the list with the fewest letters changed, added, left out or swapped
// with their neighbour; of several the first.
func nearest(list []string, typed string) string {
	const longest = 16 // no word has more than 8 letters; a longer text is near to none
	t := []rune(typed)
	t = t[:min(len(t), longest)]
	best, least := "", 1<<30
	for _, w := range list {
		if d := distance(t, []rune(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts edits between a and b (optimal string alignment).
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
