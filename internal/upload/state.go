package upload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// State is what is remembered of an import between two runs.
type State struct {
	Version     int    `json:"version"`
	File        string `json:"file"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"` // of the file as it is, compressed or not
	URL         string `json:"url"`
	ID          string `json:"id"`           // the Idempotency-Key of every part
	Line        int64  `json:"line"`         // the first that is not known to be stored or refused
	Offset      int64  `json:"offset"`       // where it begins, inflated
	CountedTo   int64  `json:"counted_to"`   // lines below it are in the counts
	RejectBytes int64  `json:"reject_bytes"` // of the file of refused lines
	Counts
	Done      bool      `json:"done"`
	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Counts are what became of the lines so far.
type Counts struct {
	Accepted   int64 `json:"accepted"`
	Duplicates int64 `json:"duplicates"`
	Rejected   int64 `json:"rejected"`
}

const stateVersion = 1

// StateFile is where an import of a file remembers how far it is, unless told otherwise.
func StateFile(file string) string { return file + ".latchkey-import.json" }

// readState is nil when there is none.
func readState(path string) (*State, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the state of the last run: %w", err)
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil || s.Version != stateVersion || s.Line < 1 || s.Offset < 0 {
		return nil, fmt.Errorf("%s is no state of an import that this version can read; delete it to begin anew", path)
	}
	return &s, nil
}

// write replaces the file whole: a crash leaves the old state or the new one.
func (s *State) write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("keep the state: %w", err)
	}
	_, err = temporary.Write(append(text, '\n'))
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("keep the state: %w", err)
	}
	return nil
}

// fingerprint reads the whole file: its size and SHA-256.
func fingerprint(path string, read func(int) error) (size int64, sum string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = in.Close() }()
	h, buf := sha256.New(), make([]byte, 1<<20)
	for {
		n, err := in.Read(buf)
		h.Write(buf[:n])
		size += int64(n)
		if err := read(n); err != nil {
			return 0, "", err
		}
		if errors.Is(err, io.EOF) {
			return size, hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return 0, "", fmt.Errorf("read %s: %w", path, err)
		}
	}
}
