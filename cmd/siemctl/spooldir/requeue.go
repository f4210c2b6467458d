package spooldir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"siem-s3/event"
	"siem-s3/record"
)

// About is what is known of a chunk in quarantine.
type About struct {
	Tag        string    `json:"tag"`
	Reason     string    `json:"reason"`
	Offset     int64     `json:"offset"` // in the chunk, where it could not be read from
	ReceivedAt time.Time `json:"received_at"`
}

// ReadAbout returns what is known of quarantine/NAME.chunk, the zero About if
// nothing is.
func ReadAbout(dir, name string) (about About, err error) {
	b, err := os.ReadFile(filepath.Join(dir, quarantine, strings.TrimSuffix(name, chunkExt)+aboutExt))
	if errors.Is(err, fs.ErrNotExist) {
		return About{}, nil
	}
	if err != nil {
		return About{}, err
	}
	if err := json.Unmarshal(b, &about); err != nil {
		return About{}, fmt.Errorf("%s%s: %w", strings.TrimSuffix(name, chunkExt), aboutExt, err)
	}
	return about, nil
}

const (
	quarantine = "quarantine"
	requeued   = "requeued"
	chunkExt   = ".chunk"
	aboutExt   = ".json"
)

// Salvage appends to dst, as lines of JSON, the records that can be read in a
// chunk that cannot be read from its start on. It returns how many there are, and
// how many bytes belong to none. Each line is the record, with its time as the
// first key, date, unless it has a key of that name.
func Salvage(dst, chunk []byte) (lines []byte, records int, lost int64) {
	var rec record.Record
	dec := record.NewDecoder(nil)
	for len(chunk) > 0 {
		start := nextRecord(chunk)
		lost += int64(start)
		chunk = chunk[start:]
		dec.Reset(chunk)
		if err := dec.Next(&rec); err != nil || !salvageable(&rec, chunk) {
			skip := min(prefixLen(chunk), len(chunk))
			chunk = chunk[skip:]
			lost += int64(skip)
			continue
		}
		dst = appendRecord(dst, rec.Time, rec.Body)
		records++
		chunk = chunk[len(rec.Raw):]
	}
	return dst, records, lost
}

// salvageable reports whether rec is a record, and the one at the start of chunk:
// there may be a marker before it, and then it is found again. A record without
// keys is what the time and the metadata of another one look like.
func salvageable(rec *record.Record, chunk []byte) bool {
	return &rec.Raw[0] == &chunk[0] && rec.Problem == "" && !rec.Time.IsZero() && rec.Body[0] != emptyMap
}

const emptyMap = 0x80

// prefixLen is how much of what is no record can't start one either: of a list in
// a list the inner one is no record of its own.
func prefixLen(b []byte) int {
	if bytes.HasPrefix(b, []byte{0x92, 0x92}) {
		return 2
	}
	return 1
}

// starts are the first bytes of a record whose time is an EventTime, in both of
// Fluent Bit's shapes: fixext 8 or ext 8 of type 0.
var starts = [][]byte{{0x92, 0x92, 0xd7, 0}, {0x92, 0xd7, 0}, {0x92, 0x92, 0xc7, 8, 0}, {0x92, 0xc7, 8, 0}}

// nextRecord returns where the next record may start.
func nextRecord(b []byte) int {
	for i := range b {
		if b[i] == 0x92 && slices.ContainsFunc(starts, func(s []byte) bool { return bytes.HasPrefix(b[i:], s) }) {
			return i
		}
	}
	return len(b)
}

// appendRecord appends a record as a line of JSON, with its time.
func appendRecord(dst []byte, at time.Time, body []byte) []byte {
	_, has := record.Key(dateKey).Find(body)
	return appendDated(dst, at, has, record.AppendJSON(nil, body))
}

// dateKey is what Fluent Bit calls a record's time in JSON (json_date_key).
const dateKey = "date"

func appendDated(dst []byte, at time.Time, has bool, object []byte) []byte {
	if has {
		return append(append(dst, object...), '\n')
	}
	dst = append(dst, `{"`+dateKey+`":"`...)
	dst = append(event.AppendTimestamp(dst, at), '"')
	if !bytes.Equal(object, []byte("{}")) {
		dst = append(dst, ',')
	}
	return append(append(dst, object[1:]...), '\n')
}

// Unreject copies the records out of lines of rejected ones, in the form of
// Salvage; their time is that of their arrival. Lines whose record is no JSON
// object can be no event and are counted as left out.
func Unreject(dst io.Writer, lines io.Reader) (records, left int, err error) {
	dec := json.NewDecoder(lines)
	for {
		var rejected struct {
			ReceivedAt time.Time       `json:"received_at"`
			Record     json.RawMessage `json:"record"`
		}
		switch err := dec.Decode(&rejected); {
		case errors.Is(err, io.EOF):
			return records, left, nil
		case err != nil:
			return records, left, fmt.Errorf("rejected record %d: %w", records+left+1, err)
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal(rejected.Record, &keys) != nil || keys == nil || rejected.ReceivedAt.IsZero() {
			left++
			continue
		}
		_, has := keys[dateKey]
		if _, err := dst.Write(appendDated(nil, rejected.ReceivedAt, has, rejected.Record)); err != nil {
			return records, left, err
		}
		records++
	}
}

// WriteNew makes a file that must not be there yet, whole and durable or not at all.
func WriteNew(file string, body io.Reader) error {
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(file)
	if _, err := root.Lstat(name); err == nil {
		return fmt.Errorf("%s is there already: choose another name, records must not be mixed or lost", file)
	}
	return create(root, name, body)
}

// SetAside moves chunks of quarantine, and what is known of them, to
// quarantine/requeued. Nothing is overwritten.
func SetAside(dir string, chunks []string) error {
	root, err := os.OpenRoot(filepath.Join(dir, quarantine))
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(requeued, 0o700); err != nil {
		return err
	}
	for _, chunk := range chunks {
		for _, name := range []string{chunk, strings.TrimSuffix(chunk, chunkExt) + aboutExt} {
			if err := setAside(root, name); err != nil {
				return err
			}
		}
	}
	return errors.Join(syncDir(root, requeued), syncDir(root, "."))
}

func setAside(root *os.Root, name string) error {
	to := requeued + "/" + name
	for n := 2; ; n++ {
		err := root.Link(name, to)
		if errors.Is(err, fs.ErrExist) {
			to = fmt.Sprintf("%s/%s.%d", requeued, name, n)
			continue
		}
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, aboutExt) {
			return nil
		}
		if err != nil {
			return err
		}
		return root.Remove(name)
	}
}
