package secretbox

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ParseKey reads a key written as base64 (either alphabet, padded or not) or as hexadecimal. Its
// errors do not repeat the text.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil && len(key) == KeySize {
		return key, nil
	}
	plain := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	key, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil {
		return nil, fmt.Errorf("it is neither base64 nor hexadecimal; make one with: openssl rand -base64 %d", KeySize)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("it holds %d bytes, but %d are needed; make one with: openssl rand -base64 %d", len(key), KeySize, KeySize)
	}
	return key, nil
}

// KeyFile reads the key that a file keeps, and makes the file with a fresh key when there is none.
// Others tells that the file's mode lets other accounts of the machine read it.
func KeyFile(path string) (key []byte, others bool, err error) {
	key, others, err = readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, others, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, false, fmt.Errorf("the key file %s cannot be made: %w", path, err)
	}
	// Whoever was first made the file; all go on with that one.
	return readKey(path)
}

func readKey(path string) ([]byte, bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, fmt.Errorf("the key file %s cannot be read: %w", path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("the key file %s cannot be read: %w; let the account that runs Latchkey own it", path, err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, false, fmt.Errorf("the key file %s is not right: %w, or put the file back from a backup", path, err)
	}
	return key, info.Mode().Perm()&0o077 != 0, nil
}

// makeKey writes a fresh key under another name first, so that a crash leaves no half a key, and
// links it to its place, which fails when somebody was faster.
func makeKey(path string) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".secret-*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails
	if _, err := file.WriteString(base64.StdEncoding.EncodeToString(key) + "\n"); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new name durable: a secret sealed with a key that a power cut takes away would
// be lost.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
