package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthCmd is what asks a server for its health where there is neither a shell
// nor curl: in the health check of a container.
type healthCmd struct {
	URL     string        `arg:"" optional:"" default:"http://127.0.0.1:2020/api/v1/health" help:"What to ask. The default is Fluent Bit's own, which needs http_server and health_check on."`
	Timeout time.Duration `default:"4s" help:"How long the answer may take."`
}

// Help is what the command's --help says beyond its flags.
func (healthCmd) Help() string {
	return `Exit codes: 0 healthy (a status of 200 to 299), 1 not, 2 wrong usage.`
}

// Run asks once, and fails if the answer is not one of health.
func (h *healthCmd) Run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("not healthy: %s: %q", resp.Status, answer)
	}
	_, err = fmt.Fprintf(s.out, "healthy: %q\n", answer)
	return err
}
