package conf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsShowNowhere(t *testing.T) {
	config := Config{
		S3: S3{Credentials: Credentials{SecretAccessKey: leak}},
		Notify: Notify{
			SMTP:    SMTP{Password: leak},
			Webhook: Webhook{URLs: []Secret{leak}, APIKey: leak, Secrets: []Secret{leak, leak}},
		},
	}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3s"} {
		for _, value := range []any{Secret(leak), config, &config, []Secret{leak}, map[Secret]Secret{leak: leak}, config.S3.Credentials} {
			shown = append(shown, fmt.Sprintf(verb, value))
		}
	}
	encoded, err := json.Marshal([]any{Secret(leak), config})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Secret(leak).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "secret", Secret(leak), "config", config)
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "secret", Secret(leak), "config", config)
	shown = append(shown, string(encoded), string(text), log.String(), fmt.Sprint(Secret(leak)), Secret(leak).String(), Secret(leak).GoString())
	hex := fmt.Sprintf("%x", leak)
	for _, text := range shown {
		if strings.Contains(text, leak) || strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("the secret shows in %s", text)
		}
	}
	if !strings.Contains(string(encoded), redacted) || strings.Count(log.String(), redacted) < 4 {
		t.Errorf("it does not show that there is a secret: %s %s", encoded, log.String())
	}
}

func TestSecretThatIsNotSetShowsAsNothing(t *testing.T) {
	if got := fmt.Sprintf("%v|%s|%q", Secret(""), Secret(""), Secret("")); got != "||" {
		t.Errorf("got %s", got)
	}
}

func TestSecretCanBeUsed(t *testing.T) {
	if got := Secret(leak).Reveal(); got != leak {
		t.Errorf("got %s", got)
	}
}
