package config

import (
	"errors"
	"fmt"
	"path/filepath"

	"latchkey/internal/secretbox"
)

// Secrets makes the box that seals stored secrets: of the setting, else, beside an embedded
// database, of a file that the first start makes. Nil without either; warning is a sentence for
// the log. With LATCHKEY_SECRET_KEY_OLD it opens also what that key sealed. The data directory must
// exist.
func (c *Config) Secrets() (box *secretbox.Box, warning string, err error) {
	box, warning, err = c.presentBox()
	if err != nil || c.SecretKeyOld == "" {
		return box, warning, err
	}
	if box == nil {
		return nil, "", errors.New("LATCHKEY_SECRET_KEY_OLD is set, but LATCHKEY_SECRET_KEY is not: set the key that replaces it, too")
	}
	old, err := boxOf("LATCHKEY_SECRET_KEY_OLD", c.SecretKeyOld)
	if err != nil {
		return nil, "", err
	}
	return box.WithOld(old), warning, nil
}

func (c *Config) presentBox() (box *secretbox.Box, warning string, err error) {
	if c.SecretKey != "" {
		box, err = boxOf("LATCHKEY_SECRET_KEY", c.SecretKey)
		return box, "", err
	}
	if c.DatabaseURL != "" {
		return nil, "", nil
	}
	path := filepath.Join(c.Data, "secret.key")
	key, others, err := secretbox.KeyFile(path)
	if err != nil {
		return nil, "", err
	}
	if others {
		warning = fmt.Sprintf("other accounts of this machine may read %s; run: chmod 600 %s", path, path)
	}
	box, err = secretbox.New(key)
	return box, warning, err
}

func boxOf(name, setting string) (*secretbox.Box, error) {
	key, err := secretbox.ParseKey(setting)
	if err != nil {
		return nil, fmt.Errorf("%s is not right: %w", name, err)
	}
	return secretbox.New(key)
}
