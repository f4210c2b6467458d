//go:build crashpoints

package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// This file is in no build but those for crash tests. $SIEM_S3_CRASH names one
// operation on the disk, and the process kills itself at it:
//
//	WHEN OP EXT N     as in "after sync .seg 3"
//
// WHEN is before, half-way (of a write) or after; OP is a method of fileSystem or
// file; EXT is the extension of the file, without .tmp, or "dir"; N counts from 1.
func init() {
	spec := os.Getenv("SIEM_S3_CRASH")
	if spec == "" {
		return
	}
	var p crashPoint
	if _, err := fmt.Sscan(spec, &p.when, &p.op, &p.ext, &p.n); err != nil {
		panic("SIEM_S3_CRASH " + spec + ": " + err.Error())
	}
	defaultFS = crashFS{defaultFS, &p}
}

type crashPoint struct {
	when, op, ext string
	n             int64
	seen          atomic.Int64
}

// hit reports whether this is the operation to die at.
func (p *crashPoint) hit(op, path string) bool {
	ext := filepath.Ext(strings.TrimSuffix(path, tmpExt))
	if op == "syncDir" {
		ext = "dir"
	}
	return op == p.op && ext == p.ext && p.seen.Add(1) == p.n
}

// around does an operation, and dies at the time of the point if it is its.
func (p *crashPoint) around(op, path string, do func() error) error {
	if !p.hit(op, path) {
		return do()
	}
	if p.when == "after" {
		_ = do()
	}
	die()
	return nil
}

// die ends the process as a crash does: no deferred call, no flush, no answer.
func die() {
	_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
	select {}
}

type crashFS struct {
	fileSystem
	point *crashPoint
}

func (c crashFS) create(path string) (f file, err error) {
	err = c.point.around("create", path, func() error {
		f, err = c.fileSystem.create(path)
		return err
	})
	return crashFile{f, path, c.point}, err
}

func (c crashFS) edit(path string) (file, error) {
	f, err := c.fileSystem.edit(path)
	return crashFile{f, path, c.point}, err
}

func (c crashFS) rename(from, to string) error {
	return c.point.around("rename", to, func() error { return c.fileSystem.rename(from, to) })
}

func (c crashFS) remove(path string) error {
	return c.point.around("remove", path, func() error { return c.fileSystem.remove(path) })
}

func (c crashFS) syncDir(dir string) error {
	return c.point.around("syncDir", dir, func() error { return c.fileSystem.syncDir(dir) })
}

type crashFile struct {
	file
	path  string
	point *crashPoint
}

func (c crashFile) writeAt(bufs [][]byte, off int64) error {
	if c.point.when != "half-way" {
		return c.point.around("write", c.path, func() error { return c.file.writeAt(bufs, off) })
	}
	if c.point.hit("write", c.path) {
		all := []byte{}
		for _, b := range bufs {
			all = append(all, b...)
		}
		_ = c.file.writeAt([][]byte{all[:len(all)/2]}, off)
		die()
	}
	return c.file.writeAt(bufs, off)
}

func (c crashFile) truncate(size int64) error {
	return c.point.around("truncate", c.path, func() error { return c.file.truncate(size) })
}

func (c crashFile) sync() error {
	return c.point.around("sync", c.path, c.file.sync)
}

func (c crashFile) Close() error { return c.point.around("close", c.path, c.file.Close) }
