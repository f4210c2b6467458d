package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wneessen/go-mail"
)

// compose writes n as a whole message, headers first.
func (m *Email) compose(n *Notice) ([]byte, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	message := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	message.FromMailAddress(m.from)
	message.ToMailAddress(m.to...)
	message.Subject(n.subject())
	domain := m.from.Address[strings.LastIndexByte(m.from.Address, '@')+1:]
	message.SetMessageIDWithValue(n.ID + "@" + domain)
	message.SetDateWithValue(n.Last)
	// RFC 3834 section 5: no vacation notes in answer. Exchange has its own.
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetGenHeader("X-Siem-Log-Type", n.Type.String())
	message.SetGenHeader("X-Siem-Count", fmt.Sprint(n.Count))
	if n.Test {
		message.SetGenHeader("X-Siem-Test", "true")
	}
	if err := m.setBody(message, n); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	var b bytes.Buffer
	if _, err := message.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	return b.Bytes(), nil
}

func (m *Email) setBody(message *mail.Msg, n *Notice) error {
	if m.opts.Format == MailJSON {
		body, err := indentedJSON(n)
		message.SetBodyString(mail.TypeTextPlain, body)
		return err
	}
	v := newView(n, MaxEvents)
	message.SetBodyString(mail.TypeTextPlain, mailText(&v))
	message.AddAlternativeString(mail.TypeTextHTML, mailHTML(&v))
	return nil
}

func indentedJSON(n *Notice) (string, error) {
	body, err := jsonBody(n)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return "", err
	}
	return b.String() + "\n", nil
}
