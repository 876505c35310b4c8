//go:build !linux && !darwin && !freebsd

package files

import "os"

// syncDir does nothing: Windows has no fsync for folders, its journal orders renames itself.
func syncDir(*os.File) error { return nil }
