package store

import "github.com/pars-network/pars/pkg/store/files"

// FS is the seam to the files we write ourselves. Crash tests put a recording twin in its place (storetest.Disk).
type FS = files.FS

// OS returns the folder root of the real file system. It need not exist before the first write.
func OS(root string) FS { return files.OS(root) }

// WriteAtomic replaces a file by new content, readable by its owner alone: after a crash at any point the old or the
// new content stands there, and the new one once it returns.
func WriteAtomic(f FS, name string, data []byte) error { return files.WriteAtomic(f, name, data) }
