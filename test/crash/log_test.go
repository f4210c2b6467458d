package crash

import (
	"fmt"
	"regexp"
	"strings"
)

// mustNotBeLogged are signs of a failure that no weather excuses.
var mustNotBeLogged = []string{
	"panic", "fatal error", "SIGSEGV", "DATA RACE", "in quarantine", "damaged", "no segment that can be read",
	"given up", "left out",
}

// mayBeErrors are the error lines that the weather brings.
var mayBeErrors = []string{"can't upload to ", "can't store a chunk; ", alertsFail}

const alertsFail = "can't deliver alerts; "

var (
	theError = regexp.MustCompile(`error="?(.*)"? attempts=`)
	theKind  = regexp.MustCompile(`^(\w+ \w+) s3://\S+: (\d{3}[^:]*|.*)`)
	theCause = regexp.MustCompile(`[^:]*$`)
)

// kindOf is the same for error lines that tell of the same failure.
func kindOf(line string) string {
	m := theError.FindStringSubmatch(line)
	if m == nil {
		return line
	}
	if k := theKind.FindStringSubmatch(m[1]); k != nil {
		if k[2][0] >= '1' && k[2][0] <= '9' {
			return k[1] + ": " + k[2]
		}
		return k[1] + ": " + theCause.FindString(k[2])
	}
	return theCause.FindString(m[1])
}

// checkLog returns what is wrong with the log of a process that lived for less
// than a minute: of each kind of failure it tells once.
func checkLog(log string) error {
	for _, text := range mustNotBeLogged {
		if strings.Contains(log, text) {
			return fmt.Errorf("%q is logged", text)
		}
	}
	told := map[string]bool{}
	for line := range strings.Lines(log) {
		_, message, isError := strings.Cut(line, "[error] [output:siem_s3:siem_s3.0] ")
		if !isError {
			continue
		}
		known := false
		for _, text := range mayBeErrors {
			known = known || strings.HasPrefix(message, text)
		}
		if !known {
			return fmt.Errorf("unexpected: %s", line)
		}
		if strings.HasPrefix(message, alertsFail) {
			continue // each notice has its own attempt, and each change is told
		}
		kind := message[:12] + kindOf(message)
		if told[kind] {
			return fmt.Errorf("logged twice (%s): %s", kind, line)
		}
		told[kind] = true
	}
	return nil
}
