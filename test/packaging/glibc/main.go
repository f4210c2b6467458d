// Command glibc tells which version of glibc ELF files need: the newest one that
// any symbol they import is bound to. With --floor it fails if that is newer.
//
//	glibc build/out_siem_s3.so
//	2.34
package main

import (
	"debug/elf"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	floor := flag.String("floor", "", "the newest glibc that is allowed, such as 2.31")
	flag.Parse()
	newest, err := check(flag.Args(), *floor)
	if err != nil {
		fmt.Fprintln(os.Stderr, "glibc:", err)
		os.Exit(1)
	}
	fmt.Println(newest)
}

// check returns the glibc that all the files need. A floor of "" allows every one.
func check(paths []string, floor string) (version, error) {
	var limit, newest version
	if floor != "" {
		var ok bool
		if limit, ok = parse(floor); !ok {
			return newest, fmt.Errorf("%q is no version of glibc", floor)
		}
	}
	if len(paths) == 0 {
		return newest, fmt.Errorf("no files given")
	}
	for _, path := range paths {
		needs, symbol, err := needed(path)
		if err != nil {
			return newest, err
		}
		if floor != "" && limit.less(needs) {
			return newest, fmt.Errorf("%s needs glibc %s for %s, newer than %s", path, needs, symbol, limit)
		}
		if newest.less(needs) {
			newest = needs
		}
	}
	return newest, nil
}

// needed returns the newest glibc that a symbol of the file is bound to, and that
// symbol.
func needed(path string) (newest version, symbol string, err error) {
	file, err := elf.Open(path)
	if err != nil {
		return newest, "", fmt.Errorf("read %s: %w", path, err)
	}
	defer file.Close()
	symbols, err := file.ImportedSymbols()
	if err != nil {
		return newest, "", fmt.Errorf("read the symbols of %s: %w", path, err)
	}
	for _, s := range symbols {
		text, glibc := strings.CutPrefix(s.Version, "GLIBC_")
		if v, ok := parse(text); glibc && ok && newest.less(v) {
			newest, symbol = v, s.Name
		}
	}
	if symbol == "" {
		return newest, "", fmt.Errorf("%s imports nothing of glibc", path)
	}
	return newest, symbol, nil
}

// A version of glibc: 2.31 is {2, 31, 0}.
type version [3]int

func (v version) less(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

func (v version) String() string {
	text := fmt.Sprintf("%d.%d", v[0], v[1])
	if v[2] > 0 {
		text += "." + strconv.Itoa(v[2])
	}
	return text
}

// parse reads a version such as 2.31 or 2.2.5. What follows GLIBC_ may also be
// the name PRIVATE, which is none.
func parse(text string) (v version, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > len(v) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return v, false
		}
		v[i] = int(n)
	}
	return v, true
}
