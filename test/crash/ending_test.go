package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"siem-s3/test/faultproxy"
	"siem-s3/test/host"
)

// An ending says how the process is killed. Exactly one of the ways applies.
type ending struct {
	name    string
	after   time.Duration // at that time; with during, after the call of it
	answers int           // when that many chunks were answered OK
	disk    string        // at an operation on the disk; see spool/crashpoints.go
	put     func(name string, kill func()) *faultproxy.Fault
	puts    int // at the PUT of that number
	alerts  int // at the alert of that number, before its answer or just after it
	answer  bool
	during  func(*trial, *host.Host, float64) // in the middle of it
}

// longest is how long a process lives that does not come to its chosen end.
const longest = 4 * time.Second

// diskPoint is an operation on the disk, how often it is chosen beside others, how
// often at most it is survived, and when it can be died at.
type diskPoint struct {
	op     string
	weight int
	most   int
	when   []string
}

var (
	around = []string{"before", "after"}
	within = []string{"before", "half-way", "half-way", "after"}

	firstStart = diskPoint{"rename .key", 1, 1, around}
	diskPoints = []diskPoint{
		{"create .seg", 1, 3, around},
		{"write .seg", 5, 12, within},
		{"sync .seg", 3, 12, around},
		{"close .seg", 2, 3, around},    // the seal
		{"truncate .seg", 1, 1, around}, // what a crash left half-written
		{"create .done", 1, 3, around},  // the removal
		{"write .done", 1, 3, within},
		{"sync .done", 1, 3, around},
		{"rename .done", 2, 3, around},
		{"syncDir dir", 1, 6, around},
		{"remove .seg", 2, 3, around},
	}
)

// chooseDiskPoint draws one, by their weights.
func chooseDiskPoint(r *rand.Rand) diskPoint {
	total := 0
	for _, p := range diskPoints {
		total += p.weight
	}
	n := r.IntN(total)
	for _, p := range diskPoints {
		if n -= p.weight; n < 0 {
			return p
		}
	}
	panic("not reached")
}

var putPoints = []struct {
	name string
	put  func(string, func()) *faultproxy.Fault
}{
	{"before a PUT", faultproxy.Before},
	{"in the middle of a PUT", faultproxy.Within},
	{"after a PUT, before its answer", faultproxy.After},
}

// chooseEnding draws one.
func chooseEnding(r *rand.Rand, first bool) ending {
	switch n := r.IntN(20); {
	case first && n < 4:
		return diskEnding(r, firstStart)
	case n < 3:
		return ending{name: "at random", after: time.Duration(r.IntN(2500)) * time.Millisecond}
	case n < 5:
		return ending{name: "right after an OK", answers: 1 + r.IntN(40)}
	case n < 13:
		return diskEnding(r, chooseDiskPoint(r))
	case n < 16:
		p := putPoints[r.IntN(len(putPoints))]
		return ending{name: p.name, put: p.put, puts: 1 + r.IntN(4)}
	case n < 18 && r.IntN(2) == 0:
		return ending{name: "before the answer to an alert", alerts: 1 + r.IntN(3)}
	case n < 18:
		return ending{name: "just after the answer to an alert", alerts: 1 + r.IntN(3), answer: true}
	case n < 19:
		return ending{name: "while it exits", after: shortly(r), during: (*trial).exitAt}
	default:
		return ending{name: "while it reloads", after: shortly(r), during: (*trial).reloadAt}
	}
}

func shortly(r *rand.Rand) time.Duration { return time.Duration(r.IntN(300)) * time.Millisecond }

func diskEnding(r *rand.Rand, p diskPoint) ending {
	when := p.when[r.IntN(len(p.when))]
	return ending{name: when + " " + p.op, disk: fmt.Sprintf("%s %s %d", when, p.op, 1+r.IntN(p.most))}
}

func (e ending) String() string {
	switch {
	case e.disk != "":
		return e.disk
	case e.put != nil:
		return fmt.Sprintf("%s (%d)", e.name, e.puts)
	case e.alerts > 0:
		return fmt.Sprintf("%s (%d)", e.name, e.alerts)
	case e.answers > 0:
		return fmt.Sprintf("%s (%d)", e.name, e.answers)
	}
	return fmt.Sprintf("%s (%s)", e.name, e.after)
}

// isPut tells the requests that store an object.
func isPut(r *http.Request) bool { return r.Method == http.MethodPut }
