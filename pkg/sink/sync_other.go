//go:build !linux

package sink

import "os"

// syncEachFile is true where each file must be made durable by itself.
const syncEachFile = true

// syncAll makes durable what the single files' syncs do not: the names.
// Windows cannot do that to a folder, and keeps names with the files.
func syncAll(dir *os.File) error {
	_ = dir.Sync()
	return nil
}

// syncFolder makes durable what was renamed in dir, where the system can.
func syncFolder(dir *os.File) error { return syncAll(dir) }
