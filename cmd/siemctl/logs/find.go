package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"siem-s3/event"
	"siem-s3/s3"
)

// maxRequests is how many requests to list or ask are under way at once.
const maxRequests = 8

// A Query says which objects and events are looked for.
type Query struct {
	// Range is when the events happened.
	Range Span
	// Slack is how much later than it happened an event may have arrived.
	Slack time.Duration
	// Categories are those looked for.
	Categories []event.Category
}

func (q *Query) want() want {
	w := want{windows: q.Range.widen(q.Slack), events: q.Range, categories: q.Categories}
	return w
}

// Found is what Find found.
type Found struct {
	Objects []*Object // in the order of their windows
	// Foreign is how many keys were listed that the key formats don't make.
	Foreign int
	// Listed is where it was looked for, as URLs.
	Listed []string

	empty []search // the runs that had nothing wanted
}

// A search is a run of keys in a source.
type search struct {
	source *Source
	scan   scan
}

// Find lists the objects that can hold what is looked for, and reads no key of
// other times beyond what comes in the same answer, where the key formats let
// keys be found by time.
func Find(ctx context.Context, sources []*Source, q *Query) (*Found, error) {
	var searches []search
	for _, s := range sources {
		p := planner{Layout: s.Layout, want: q.want(), folders: s.folders}
		if err := p.plan(ctx, 0, ""); err != nil {
			return nil, err
		}
		for _, scan := range p.scans {
			searches = append(searches, search{s, scan})
		}
	}
	found := &Found{}
	var mu sync.Mutex
	err := parallel(ctx, maxRequests, searches, func(ctx context.Context, s search) error {
		objects, foreign, err := s.list(ctx, q.want())
		mu.Lock()
		defer mu.Unlock()
		found.Objects = append(found.Objects, objects...)
		found.Foreign += foreign
		if len(objects) == 0 {
			found.empty = append(found.empty, s)
		}
		return err
	})
	slices.SortFunc(found.Objects, compare)
	for _, s := range searches {
		found.Listed = append(found.Listed, s.source.URL(s.scan.String()))
	}
	return found, err
}

// folders lists the folders below a prefix with one request.
func (s *Source) folders(ctx context.Context, prefix string) (list []string, tooMany bool, err error) {
	page, err := s.list(ctx, s3.ListOptions{Prefix: prefix, Folders: true})
	return page.Folders, page.More, err
}

func (s *Source) list(ctx context.Context, o s3.ListOptions) (page s3.Page, err error) {
	err = retry(ctx, func() error {
		page, err = s.Store.List(ctx, o)
		return err
	})
	return page, err
}

// list returns what is wanted of a run, and how many keys are none of the layout.
func (s search) list(ctx context.Context, w want) (objects []*Object, foreign int, err error) {
	o := s3.ListOptions{Prefix: commonPrefix(s.scan.from, s.scan.to), After: s.scan.from}
	if o.After == o.Prefix {
		o.After = ""
	}
	for {
		page, err := s.source.list(ctx, o)
		if err != nil {
			return nil, 0, err
		}
		for _, listed := range page.Objects {
			if s.scan.past(listed.Key) {
				return objects, foreign, nil
			}
			object := &Object{Source: s.source, Key: listed.Key, ETag: listed.ETag, Size: listed.Size, Modified: listed.Modified}
			switch {
			case !s.source.Layout.Parse(object):
				foreign++
			case w.takes(object):
				objects = append(objects, object)
			}
		}
		if !page.More || len(page.Objects) == 0 {
			return objects, foreign, nil
		}
		o.After = page.Objects[len(page.Objects)-1].Key
	}
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// Nearest returns what is stored just before and just behind each place where
// nothing was found, as URLs: folders, or a key. It costs two requests for each.
func (f *Found) Nearest(ctx context.Context) (places []string, err error) {
	for _, s := range f.empty {
		prefix := s.scan.prefix
		page, err := s.source.list(ctx, s3.ListOptions{Prefix: prefix, Folders: true})
		if err != nil {
			return nil, err
		}
		before := ""
		for _, folder := range page.Folders {
			if folder < s.scan.from && !strings.HasPrefix(s.scan.from, folder) {
				before = folder
			}
		}
		if before != "" {
			places = append(places, s.source.URL(before))
		}
		behind, err := s.source.list(ctx, s3.ListOptions{Prefix: prefix, After: s.scan.to + "\U0010ffff", Max: 1})
		if err != nil {
			return nil, err
		}
		for _, o := range behind.Objects {
			places = append(places, s.source.URL(o.Key))
		}
	}
	slices.Sort(places)
	return slices.Compact(places), nil
}

// Records asks for how many records each object holds, and returns the numbers
// beside the objects, -1 where the metadata do not tell. It costs one request for
// each object.
func Records(ctx context.Context, objects []*Object) ([]int, error) {
	counts := make([]int, len(objects))
	indices := make([]int, len(objects))
	for i := range indices {
		indices[i] = i
	}
	err := parallel(ctx, maxRequests, indices, func(ctx context.Context, i int) error {
		return retry(ctx, func() error {
			stat, err := objects[i].Source.Store.Stat(ctx, objects[i].Key)
			if err != nil {
				return err
			}
			if _, err := fmt.Sscan(stat.Metadata["siem-records"], &counts[i]); err != nil {
				counts[i] = -1
			}
			return nil
		})
	})
	return counts, err
}

// parallel calls f with each item, at most n at once, and returns the first error
// after all calls have returned. An error ends the context of the others.
func parallel[T any](ctx context.Context, n int, items []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	places := make(chan struct{}, n)
	for _, item := range items {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-places }()
			if err := f(ctx, item); err != nil {
				cancel(err) // the first one counts
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return ctx.Err()
}
