package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"siem-s3/test/child"
)

// A usage is what one run took.
type usage struct {
	user, system time.Duration // CPU time of the whole process
	wall         time.Duration // until the output had taken all events
	peak         int64         // bytes of memory (VmHWM)
	objects      int
	stored       int64 // bytes of objects
}

func (u usage) cpu() time.Duration { return u.user + u.system }

// median returns the median of each figure on its own.
func median(all []usage) (m usage) {
	m.user = middle(all, func(u usage) time.Duration { return u.user })
	m.system = middle(all, func(u usage) time.Duration { return u.cpu() }) - m.user
	m.wall = middle(all, func(u usage) time.Duration { return u.wall })
	m.peak = middle(all, func(u usage) int64 { return u.peak })
	m.objects = middle(all, func(u usage) int { return u.objects })
	m.stored = middle(all, func(u usage) int64 { return u.stored })
	return m
}

func middle[T int | int64 | time.Duration](all []usage, figure func(usage) T) T {
	var values []T
	for _, u := range all {
		values = append(values, figure(u))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// watchPeak follows the peak memory of a process until it has ended, as nothing
// tells it afterwards: what getrusage(2) says includes the parent's.
func watchPeak(c *child.Child) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var most int64
		for {
			most = max(most, statusKB(c.Pid(), "VmHWM")*1024)
			select {
			case <-tick.C:
			case <-c.Done():
				peak <- most
				return
			}
		}
	}()
	return peak
}

// statusKB returns a figure of proc_pid_status(5) in KB, 0 if there is none.
func statusKB(pid int, name string) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var n int64
		if _, err := fmt.Sscanf(line, name+": %d", &n); err == nil {
			return n
		}
	}
	return 0
}
