package receiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// A Message is an e-mail as its reader sees it.
type Message struct {
	Header     mail.Header
	To         []string // those of the envelope
	Subject    string   // decoded
	ID         string   // the left part of Message-ID
	Count      int      // X-Siem-Count: how many events it tells of
	Text, HTML string
	At         time.Time // when it was accepted
}

func readMessage(raw []byte) (m Message, err error) {
	m.At = time.Now()
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, fmt.Errorf("read a message: %w", err)
	}
	m.Header = parsed.Header
	m.ID, _, _ = strings.Cut(strings.Trim(m.Header.Get("Message-Id"), "<>"), "@")
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return m, fmt.Errorf("read a subject: %w", err)
	}
	if m.Count, err = strconv.Atoi(m.Header.Get("X-Siem-Count")); err != nil {
		return m, fmt.Errorf("read a count: %w", err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return m, fmt.Errorf("a message of type %q (%w)", kind, err)
	}
	return m, m.readParts(multipart.NewReader(parsed.Body, params["boundary"]))
}

// readParts takes the texts, whose quoted-printable the reader decodes.
func (m *Message) readParts(parts *multipart.Reader) error {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a part: %w", err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return fmt.Errorf("read a part: %w", err)
		}
		unix := strings.ReplaceAll(string(text), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.HTML = unix
		} else {
			m.Text = unix
		}
	}
}
