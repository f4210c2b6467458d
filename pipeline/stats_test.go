package pipeline

import (
	"errors"
	"maps"
	"testing"
	"time"

	"siem-s3/test/chunk"
)

func TestStatsAddUp(t *testing.T) {
	t.Parallel()
	lost := 2
	b := &memory{after: func(string) error {
		if lost--; lost >= 0 {
			return errors.New("answer lost")
		}
		return nil
	}}
	p := open(t, options(t, b))
	if s := p.Stats(); !s.Waiting.Oldest.IsZero() || s.Waiting.Segments != 0 || s.Waiting.MaxBytes != 1<<30 || s.Rejects != nil {
		t.Errorf("at first: %+v", s)
	}
	began := time.Now()
	c := chunk.Build(chunk.V2, device(1), logon("Alice"), device(2),
		chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "reboot"}},
		chunk.Record{Time: sampleTime, Body: map[string]any{"log_type": "restart"}},
		chunk.Record{Time: sampleTime, Body: map[string]any{}})
	write(t, p, "app", c)
	write(t, p, "app", devices(3, 10))
	s := p.Stats()
	if s.Chunks != 2 || s.Bytes != int64(len(c)+len(devices(3, 10))) || s.Device != 9 || s.Account != 1 || s.Rejected != 3 ||
		!maps.Equal(s.Rejects, map[string]int64{"unknown log_type": 2, "no log_type": 1}) {
		t.Errorf("stored: %+v", s)
	}
	if w := s.Waiting; w.Segments != 1 || w.Bytes == 0 || w.Oldest.Before(began) || w.Oldest.After(time.Now()) {
		t.Errorf("waiting: %+v", w)
	}
	p.Start()
	finish(t, p)
	s = p.Stats()
	var size int64
	for _, o := range b.objects {
		size += int64(len(o.body))
	}
	if s.Objects != 3 || s.ObjectBytes != size || s.ObjectRecords != 13 || s.Retries != 2 || s.Waiting.Segments != 0 {
		t.Errorf("uploaded %d bytes: %+v", size, s)
	}
	s.Rejects["unknown log_type"] = 0
	if p.Stats().Rejects["unknown log_type"] != 2 {
		t.Error("Stats gives its own map away")
	}
}
