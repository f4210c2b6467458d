package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"siem-s3/event"
)

// Grouping says which events make one notice.
type Grouping struct {
	// Selected are the log types that alert.
	Selected Selection
	// ByField groups by the value of By as well as by log type. Events whose
	// schema has no such field are grouped by log type alone.
	ByField bool
	By      event.Field
}

// A groupKey is what the events of a notice have in common.
type groupKey struct {
	Type event.LogType
	Key  string // the value of the grouping field
}

// alert is what one chunk has for one group.
type alert struct {
	Type   string  `json:"type"`
	By     string  `json:"by,omitempty"`
	Key    string  `json:"key,omitempty"`
	Count  int     `json:"count"`
	Events []Event `json:"events"`
}

// alerts are what one chunk has to tell, as the log keeps it.
type alerts struct {
	At     time.Time `json:"at"` // when the chunk arrived
	Alerts []alert   `json:"alerts"`
}

// A Collector picks the events of one chunk that alert. The zero Collector of a
// Grouping picks nothing. It is not safe for concurrent use.
type Collector struct {
	grouping Grouping
	groups   map[groupKey]*alert
	order    []*alert
	keyed    int // of them, those with a value to group by
}

// NewCollector returns a Collector for g.
func NewCollector(g Grouping) *Collector {
	return &Collector{grouping: g, groups: map[groupKey]*alert{}}
}

// Add takes e in if it alerts. It keeps nothing of e, and costs one test of a
// bit if e does not alert.
func (c *Collector) Add(e *event.Event) {
	if c.grouping.Selected.Has(e.Type) {
		c.add(e)
	}
}

func (c *Collector) add(e *event.Event) {
	var value []byte
	by := c.grouping.ByField && slices.Contains(e.Category().Fields(), c.grouping.By)
	if by {
		value = e.Get(c.grouping.By)
		value = value[:min(len(value), maxValue)]
	}
	a := c.groups[groupKey{e.Type, string(value)}] // does not allocate
	if a == nil && len(value) > 0 && c.keyed >= maxGroups {
		value, by = nil, false // the queue would not tell them apart either
		a = c.groups[groupKey{Type: e.Type}]
	}
	if a == nil {
		if len(value) > 0 {
			c.keyed++
		}
		a = &alert{Type: e.Type.String(), Key: strings.ToValidUTF8(string(value), "")}
		if by {
			a.By = c.grouping.By.String()
		}
		c.groups[groupKey{e.Type, string(value)}] = a
		c.order = append(c.order, a)
	}
	a.Count++
	if len(a.Events) < MaxEvents {
		a.Events = append(a.Events, Take(e))
	}
}

// Take returns what was added since the last Take, as an entry of the log of the
// kind EntryAlerts, or nil if nothing was.
func (c *Collector) Take(now time.Time) ([]byte, error) {
	if len(c.order) == 0 {
		return nil, nil
	}
	all := alerts{At: now.UTC()}
	for _, a := range c.order {
		all.Alerts = append(all.Alerts, *a)
	}
	c.Reset()
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode alerts: %w", err)
	}
	return b, nil
}

// Reset forgets what was added.
func (c *Collector) Reset() {
	c.order, c.keyed = c.order[:0], 0
	clear(c.groups)
}

// maxGroups is how many groups of a channel can have something to tell at one
// time when grouping is by a field. Further ones share a group of their log type
// alone, so that a storm from many devices stays a bounded number of notices.
const maxGroups = 64

// A group is what a channel has to tell about one groupKey. It exists only while
// it has something pending or a notice under way.
type group struct {
	Type    string    `json:"type"`
	By      string    `json:"by,omitempty"`
	Key     string    `json:"key,omitempty"`
	Count   int       `json:"count"` // pending
	Events  []Event   `json:"events,omitempty"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	Formed  *formed   `json:"formed,omitempty"`
	logType event.LogType
}

// formed is a notice on its way.
type formed struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Count   int       `json:"count"`
	Events  []Event   `json:"events"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Settled []string  `json:"settled,omitempty"` // receivers that need no further attempt
	// Not kept over a restart, after which the schedule begins anew; GiveUpAfter
	// counts from At.
	attempts int
	due      time.Time
	gaveUp   bool
}

// merge adds what a chunk has to what is pending.
func (g *group) merge(a *alert, at time.Time) {
	if g.Count == 0 {
		g.First = at
	}
	g.Count += a.Count
	g.Last = at
	room := MaxEvents - len(g.Events)
	g.Events = append(g.Events, a.Events[:min(room, len(a.Events))]...)
}

// form makes a notice of what is pending.
func (g *group) form(id string, at time.Time) {
	g.Formed = &formed{ID: id, At: at, Count: g.Count, Events: g.Events, First: g.First, Last: g.Last, due: at}
	g.Count, g.Events = 0, nil
}

// notice returns the group's formed notice as channels take it.
func (g *group) notice() *Notice {
	f := g.Formed
	return &Notice{
		ID: f.ID, Type: g.logType, Count: f.Count, Events: f.Events, First: f.First, Last: f.Last,
		GroupBy: g.By, GroupKey: g.Key,
	}
}

// key returns the group's place in a channelState.
func (g *group) key() groupKey { return groupKey{g.logType, g.Key} }

// channelState is what one channel has to tell.
type channelState struct {
	groups map[groupKey]*group
	// formedAt keeps to the interval: when the last notice of a group was formed.
	formedAt map[groupKey]time.Time
}

func newChannelState() *channelState {
	return &channelState{groups: map[groupKey]*group{}, formedAt: map[groupKey]time.Time{}}
}

// add merges what a chunk has for one group.
func (c *channelState) add(a *alert, at time.Time) {
	t, ok := event.Lookup([]byte(a.Type))
	if !ok {
		return // of a version that knew more log types
	}
	key := groupKey{t, a.Key}
	by := a.By
	if c.groups[key] == nil && a.By != "" && len(c.groups) >= maxGroups {
		key.Key, by = "", ""
	}
	g := c.groups[key]
	if g == nil {
		g = &group{Type: a.Type, By: by, Key: key.Key, logType: t}
		c.groups[key] = g
	}
	g.merge(a, at)
}

// drop forgets a group that has nothing left to tell.
func (c *channelState) drop(g *group) {
	if g.Count == 0 && g.Formed == nil {
		delete(c.groups, g.key())
	}
}

// forget drops the memory of notices that were formed before then.
func (c *channelState) forget(before time.Time) {
	for key, at := range c.formedAt {
		if !at.After(before) {
			delete(c.formedAt, key)
		}
	}
}

// sorted returns the groups in an order that does not depend on the map's.
func (c *channelState) sorted() []*group {
	all := make([]*group, 0, len(c.groups))
	for _, g := range c.groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.logType, b.logType), cmp.Compare(a.Key, b.Key))
	})
	return all
}
