package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"siem-s3/event"
)

// What a Queue knows is in the log of the caller as entries of these kinds. An
// entry says up to which position it had taken alerts in, so that a replay takes
// them in at the same point and comes to the same state.
const (
	// EntryAlerts is what a chunk has to tell, made by a Collector.
	EntryAlerts uint8 = 1
	// entryFormed: what was pending in a group became a notice with an id. It is
	// in the log before the first attempt, so the id stays the same.
	entryFormed uint8 = 2
	// entrySettled: receivers of a notice, or all of them, need no more attempts.
	entrySettled uint8 = 3
	// entrySnapshot is the whole state; what is before it is not needed any more.
	entrySnapshot uint8 = 4
)

// An Entry is one entry of the log.
type Entry struct {
	Kind uint8
	Data []byte
}

// A Position orders the entries of the log: by segment, then by offset.
type Position struct {
	Seq    uint64
	Offset int64
}

func (p Position) before(q Position) bool {
	return p.Seq < q.Seq || p.Seq == q.Seq && p.Offset < q.Offset
}

type formedEntry struct {
	UpTo    Position  `json:"up_to"`
	Channel string    `json:"channel"`
	Type    string    `json:"type"`
	Key     string    `json:"key,omitempty"`
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
}

type settledEntry struct {
	UpTo     Position `json:"up_to"`
	Channel  string   `json:"channel"`
	Type     string   `json:"type"`
	Key      string   `json:"key,omitempty"`
	ID       string   `json:"id"`
	Settled  []string `json:"settled,omitempty"` // receivers, if not all
	Finished bool     `json:"finished"`
}

type snapshotEntry struct {
	UpTo     Position            `json:"up_to"`
	Channels map[string][]*group `json:"channels"`
}

// entry encodes one of the structs above.
func entry(kind uint8, v any) (Entry, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Entry{}, fmt.Errorf("encode an entry: %w", err)
	}
	return Entry{Kind: kind, Data: b}, nil
}

// positioned is an EntryAlerts that is not taken in yet.
type positioned struct {
	at   Position
	data []byte
}

// state is what all the channels have to tell. It changes only by entries of the
// log, in the order of the log, so it can be made again from them.
type state struct {
	channels map[string]*channelState // by name; alerts go to all of them
	upTo     Position                 // the last alerts that were taken in
	waiting  []positioned             // alerts not taken in yet, in the order of the log
}

// maxWaiting is how many alerts of chunks a replay keeps apart until an entry says
// up to where they were taken in. Without a bound those of a day, while a receiver
// was down, would be in memory at once. No entry lags behind so many chunks: it
// takes one append to write.
const maxWaiting = 256

// takeIn adds the waiting alerts up to a position to what is pending.
func (s *state) takeIn(upTo Position) error {
	for len(s.waiting) > 0 && !upTo.before(s.waiting[0].at) {
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.upTo = w.at
		var all alerts
		if err := json.Unmarshal(w.data, &all); err != nil {
			return fmt.Errorf("read alerts: %w", err)
		}
		for i := range all.Alerts {
			for _, c := range s.channels {
				c.add(&all.Alerts[i], all.At)
			}
		}
	}
	return nil
}

// takeInAll takes in all the alerts that wait.
func (s *state) takeInAll() error {
	if len(s.waiting) == 0 {
		return nil
	}
	return s.takeIn(s.waiting[len(s.waiting)-1].at)
}

// empty reports whether no channel has anything to tell.
func (s *state) empty() bool {
	for _, c := range s.channels {
		if len(c.groups) > 0 {
			return false
		}
	}
	return len(s.waiting) == 0
}

// replay applies an entry of the log after a restart.
func (s *state) replay(at Position, e Entry) error {
	switch e.Kind {
	case EntryAlerts:
		s.waiting = append(s.waiting, positioned{at, e.Data})
		if len(s.waiting) > maxWaiting {
			return s.takeIn(s.waiting[0].at)
		}
	case entryFormed:
		var f formedEntry
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return fmt.Errorf("read an entry: %w", err)
		}
		if err := s.takeIn(f.UpTo); err != nil {
			return err
		}
		s.form(f)
	case entrySettled:
		var f settledEntry
		if err := json.Unmarshal(e.Data, &f); err != nil {
			return fmt.Errorf("read an entry: %w", err)
		}
		if err := s.takeIn(f.UpTo); err != nil {
			return err
		}
		s.settle(f)
	case entrySnapshot:
		return s.restore(e.Data)
	}
	return nil
}

// group returns a group of a channel, nil if either is not there.
func (s *state) group(channel, logType, key string) (*channelState, *group) {
	c := s.channels[channel]
	t, ok := event.Lookup([]byte(logType))
	if c == nil || !ok {
		return nil, nil
	}
	return c, c.groups[groupKey{t, key}]
}

func (s *state) form(f formedEntry) {
	if c, g := s.group(f.Channel, f.Type, f.Key); g != nil && g.Count > 0 {
		g.form(f.ID, f.At)
		c.formedAt[g.key()] = f.At
	}
}

func (s *state) settle(f settledEntry) {
	c, g := s.group(f.Channel, f.Type, f.Key)
	if g == nil || g.Formed == nil || g.Formed.ID != f.ID {
		return
	}
	g.Formed.Settled = f.Settled
	if f.Finished {
		g.Formed = nil
		c.drop(g)
	}
}

// snapshot returns the whole state as an entry.
func (s *state) snapshot() (Entry, error) {
	snap := snapshotEntry{UpTo: s.upTo, Channels: map[string][]*group{}}
	for name, c := range s.channels {
		if len(c.groups) > 0 {
			snap.Channels[name] = c.sorted()
		}
	}
	return entry(entrySnapshot, snap)
}

// restore replaces the state by a snapshot. Alerts that came before it in the log
// and are not in it stay waiting; channels that are not configured any more are
// left out.
func (s *state) restore(data []byte) error {
	var snap snapshotEntry
	if err := json.Unmarshal(data, &snap); err != nil {
		return fmt.Errorf("read a snapshot: %w", err)
	}
	for len(s.waiting) > 0 && !snap.UpTo.before(s.waiting[0].at) {
		s.waiting = s.waiting[1:]
	}
	s.upTo = snap.UpTo
	for name := range s.channels {
		c := newChannelState()
		for _, g := range snap.Channels[name] {
			if t, ok := event.Lookup([]byte(g.Type)); ok {
				g.logType = t
				c.groups[g.key()] = g
			}
		}
		s.channels[name] = c
	}
	return nil
}
