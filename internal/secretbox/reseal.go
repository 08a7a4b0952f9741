package secretbox

// WithOld is the box, which also opens what old does: while the key of an instance is changed, what
// the key before sealed must stay readable. It seals with its own key only.
func (b *Box) WithOld(old *Box) *Box {
	both := *b
	both.old = old
	return &both
}

// Reseal is what a sealed text becomes under the present key. What the present key sealed already
// stays the same, byte for byte, once it is known to open. Errors are those of Open.
func (b *Box) Reseal(sealed []byte, context string) ([]byte, error) {
	plaintext, err := b.Open(sealed, context)
	if err != nil {
		return nil, err
	}
	if [headSize]byte(sealed[:headSize]) == b.head {
		return sealed, nil
	}
	return b.Seal(plaintext, context), nil
}
