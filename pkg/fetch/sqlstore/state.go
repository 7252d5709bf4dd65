package sqlstore

import (
	"encoding/hex"
	"fmt"
	"os"
	"time"
)

// SQLite's file header: which format versions the file has (2 is write-ahead
// log), and the counter that each transaction with a rollback journal raises.
// https://www.sqlite.org/fileformat2.html
const (
	writeVersionAt = 18
	readVersionAt  = 19
	counterAt      = 24
	counterEnd     = 28
	writeAheadLog  = 2
)

// settled is how long a file must have been left alone: who copies another
// database over it is not seen by the counter, only by time and size.
const settled = 2 * time.Second

// State implements fetch.Stated by what SQLite itself goes by to know whether
// what it has read of a file still holds: the file's change counter. Time and
// size stand beside it. "" for servers, for databases with a write-ahead log,
// whose changes are not counted, and while somebody writes.
func (s *Store) State() string {
	if s.file == nil {
		return ""
	}
	path := s.file.Name()
	if exists(path+"-wal") || exists(path+"-journal") {
		return ""
	}
	there, err := os.Stat(path)
	if err != nil {
		return ""
	}
	read, err := s.file.Stat()
	if err != nil || !os.SameFile(there, read) || s.now().Sub(there.ModTime()) < settled {
		return ""
	}
	head := make([]byte, counterEnd)
	if _, err := s.file.ReadAt(head, 0); err != nil || head[writeVersionAt] == writeAheadLog || head[readVersionAt] == writeAheadLog {
		return ""
	}
	return fmt.Sprintf("%s %d %d", hex.EncodeToString(head[counterAt:counterEnd]), there.Size(), there.ModTime().UnixNano())
}
