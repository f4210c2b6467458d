package pipeline

import (
	"bytes"
	"slices"
	"time"

	"siem-s3/event"
	"siem-s3/notify"
	"siem-s3/spool"
)

// Alerts say which events alert, and whom.
type Alerts struct {
	Grouping notify.Grouping
	Channels []notify.Channel
	// GroupWait and Interval are described at notify.QueueOptions.
	GroupWait, Interval time.Duration
	// Source is what alerts give as their sender.
	Source string
}

// newQueue returns the queue of alerts, whose log is the spool.
func (p *Pipeline) newQueue(a *Alerts) *notify.Queue {
	return notify.NewQueue(notify.QueueOptions{
		Log: p.log, Channels: a.Channels, GroupWait: a.GroupWait, Interval: a.Interval,
		Append: p.appendEntries, Objects: p.folders, Source: a.Source,
	})
}

// appendEntries makes entries of the queue durable.
func (p *Pipeline) appendEntries(entries []notify.Entry) error {
	notes := make([]spool.Note, 0, len(entries))
	for _, e := range entries {
		notes = append(notes, spool.Note(e))
	}
	return p.spool.Append(&spool.Batch{Notes: notes})
}

// replayed gives the queue what an earlier process left.
func (p *Pipeline) replayed(at spool.Position, n spool.Note) {
	p.alerts.Replay(notify.Position(at), notify.Entry(n))
}

// committed tells the queue of what became durable.
func (p *Pipeline) committed(at spool.Position, b *spool.Batch) {
	for _, n := range b.Notes {
		p.alerts.Committed(notify.Position(at), notify.Entry(n))
	}
}

// release lets a segment go as far as alerts are concerned: what is not settled
// of it is carried forward.
func (p *Pipeline) release(c *spool.Contents) error {
	if p.alerts == nil || !c.Notes {
		return nil
	}
	older := slices.ContainsFunc(p.spool.Sealed(), func(s spool.Segment) bool { return s.Seq < c.Segment.Seq })
	return p.alerts.Release(c.Segment.Seq, older)
}

// folders returns where the events of a notice are stored: the folders of the
// windows in which the first and the last of them arrived.
func (p *Pipeline) folders(n *notify.Notice) []string {
	if p.o.AlertsOnly {
		return nil
	}
	var all []string
	for _, at := range []time.Time{n.First, n.Last} {
		folder := p.o.Location + "/" + p.o.Key.folder(n.Type.Category(), at.UTC().Truncate(p.o.Window))
		if !slices.Contains(all, folder) {
			all = append(all, folder)
		}
	}
	return all
}

// folder returns what the keys of all objects of a category and a window begin
// with, up to the last slash before something that differs from one to the next.
func (k *KeyFormat) folder(c event.Category, window time.Time) string {
	var key []byte
	for i := range k.parts {
		switch p := &k.parts[i]; p.kind {
		case keyLiteral:
			key = append(key, p.text...)
		case keyWindow:
			key = appendTime(key, p.text, window)
		case keyHost:
			key = appendKeyValue(key, k.host)
		case keyCategory:
			key = append(key, c.String()...)
		default:
			return string(key[:bytes.LastIndexByte(key, '/')+1])
		}
	}
	return string(key) // not reached: there is a $UUID
}
