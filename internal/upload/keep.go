package upload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// openRejects goes on behind what the state knows of: what a run wrote after it last kept its state
// will be refused, and written, again.
func (j *job) openRejects() error {
	if j.o.Rejects == "" {
		return nil
	}
	f, err := os.OpenFile(j.o.Rejects, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the file of refused lines: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size < j.state.RejectBytes {
		err = fmt.Errorf("%s lacks lines that an earlier run wrote; name that file, or use --restart", j.o.Rejects)
	}
	if err == nil {
		err = f.Truncate(j.state.RejectBytes)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.rejects = f
	return nil
}

// keep notes what is stored or refused now: the file of refused lines first, then the state.
func (j *job) keep(from, to position, a *answer, end bool) error {
	next, listing := to.line, false
	if !a.whole() {
		next = a.ResumeFromLine
	}
	refused := make([]Refused, 0, len(a.Errors)) // those from next on will be sent, and refused, again
	for _, e := range a.Errors {
		if e.Line < next {
			refused = append(refused, Refused{Line: e.Line, Code: e.Error.Code, Message: e.Error.Message, Field: e.Error.Field})
		}
	}
	if j.state.CountedTo <= from.line {
		j.state.Accepted += a.Accepted
		j.state.Duplicates += a.Duplicates
		j.state.CountedTo = next
	}
	if n := len(refused); n > 0 && n == len(a.Errors) && a.Rejected > int64(n) {
		// Too many to be listed at once: the rest is sent again, in parts that suit.
		next, listing = refused[n-1].Line+1, true
		j.partLines = max(maxListed, int64(float64(a.Received)*maxListed/float64(a.Rejected)*0.8))
	} else if j.partLines > 0 && a.Rejected < maxListed/2 {
		if j.partLines *= 2; j.partLines > math.MaxInt32 {
			j.partLines = 0
		}
	}
	if err := j.refuse(from, refused); err != nil {
		return err
	}
	if next != to.line {
		at, err := j.locate(from, next)
		if err != nil {
			return err
		}
		to = at
	}
	s := j.state
	s.Line, s.Offset, s.Done, s.UpdatedAt = to.line, to.offset, end && !listing && to.line >= s.CountedTo, time.Now().UTC()
	j.source.forget(to)
	j.show(s)
	if j.o.StateFile == "" || j.o.File == "" {
		return nil
	}
	return s.write(j.o.StateFile)
}

// refuse passes refused lines on.
func (j *job) refuse(from position, refused []Refused) error {
	if len(refused) == 0 {
		return nil
	}
	j.state.Rejected += int64(len(refused))
	if j.rejects != nil {
		if err := j.withItems(from, refused); err != nil {
			return err
		}
		for _, r := range refused {
			text, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("encode a refused line: %w", err)
			}
			n, err := j.rejects.Write(append(text, '\n'))
			if j.state.RejectBytes += int64(n); err != nil {
				return fmt.Errorf("the file of refused lines: %w", err)
			}
		}
		if err := j.rejects.Sync(); err != nil {
			return fmt.Errorf("the file of refused lines: %w", err)
		}
	}
	if j.o.Refused != nil {
		for _, r := range refused {
			j.o.Refused(r)
		}
	}
	return nil
}

// locate finds where a line of the part begins.
func (j *job) locate(from position, line int64) (position, error) {
	in, err := j.source.at(from)
	if err != nil {
		return from, err
	}
	defer in.close()
	for in.position().line < line {
		if _, _, err := in.next(); err != nil {
			return from, fmt.Errorf("find line %d again: %w", line, err)
		}
	}
	return in.position(), nil
}

// changed tells that the file is not the one any more whose lines are being sent.
func (j *job) changed() error {
	if j.info == nil {
		return nil
	}
	now, err := os.Stat(j.o.File)
	if err != nil {
		return err
	}
	if now.Size() != j.info.Size() || !now.ModTime().Equal(j.info.ModTime()) {
		return fmt.Errorf("%s was changed while it was imported, at line %d or later; see that nothing writes to it, and run the command again", j.o.File, j.state.Line)
	}
	return nil
}
