package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("$%s: %v", name, err)
	}
	return n
}

// $CRASH_ROUNDS kills, spread over trials.
func TestKills(t *testing.T) {
	kills, seed := setting(t, "CRASH_ROUNDS", 20), setting(t, "CRASH_SEED", uint64(rand.Uint32()))
	t.Logf("CRASH_SEED=%d", seed)
	sum := newReport()
	t.Run("trials", func(t *testing.T) {
		for i := range (kills + killsOfATrial - 1) / killsOfATrial {
			t.Run(fmt.Sprintf("seed %d", seed+i), func(t *testing.T) {
				t.Parallel()
				newTrial(t, seed+i, sum).run()
			})
		}
	})
	t.Log(sum)
}
