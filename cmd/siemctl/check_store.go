package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"siem-s3/cmd/siemctl/fluentconf"
)

// A volume is a mounted file system.
type volume struct {
	kind     fileSystem
	free     int64 // bytes that anybody may use
	readOnly bool
}

// A fileSystem is one of a kind that a buffer should not be on, or any other.
type fileSystem int

const (
	onDisk fileSystem = iota
	inMemory
	inContainer
	onNetwork
)

// fileSystems are the kinds by the magic numbers of statfs(2).
var fileSystems = map[int64]fileSystem{
	unix.TMPFS_MAGIC:           inMemory,
	unix.RAMFS_MAGIC:           inMemory,
	unix.OVERLAYFS_SUPER_MAGIC: inContainer,
	unix.NFS_SUPER_MAGIC:       onNetwork,
	unix.SMB_SUPER_MAGIC:       onNetwork,
	unix.SMB2_SUPER_MAGIC:      onNetwork,
	unix.CIFS_SUPER_MAGIC:      onNetwork,
	unix.CEPH_SUPER_MAGIC:      onNetwork,
}

// volumeOf returns the volume that a directory is on. Tests replace it.
var volumeOf = func(dir string) (volume, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return volume{}, fmt.Errorf("statfs: %w", err)
	}
	//nolint:unconvert // the types differ between platforms
	return volume{
		kind:     fileSystems[int64(s.Type)&0xffffffff],
		free:     int64(s.Bavail) * int64(s.Bsize),
		readOnly: s.Flags&unix.ST_RDONLY != 0,
	}, nil
}

// storeDir reports a buffer that will not outlive what it is there for.
func (c *checker) storeDir(o *output) {
	if o.problems.Has("store_dir") {
		return
	}
	dir, at := o.settings.Spool.Dir, o.given("store_dir")
	c.shared(o, dir, at)
	exists, info, err := nearest(dir)
	switch {
	case err != nil:
		c.report.add(levelWarning, at, "store_dir", " %s can't be looked at: %s", dir, cause(err))
		return
	case !info.IsDir():
		c.report.add(levelError, at, "store_dir", " %s can't be made: %s is no directory", dir, exists)
		return
	}
	v, err := volumeOf(exists)
	if err != nil {
		c.report.add(levelWarning, at, "store_dir", " %s can't be looked at: %s", dir, err)
		return
	}
	if v.readOnly {
		c.report.add(levelError, at, "store_dir", " %s is on a volume that is mounted read-only", dir)
		return
	}
	if unix.Access(exists, unix.W_OK|unix.X_OK) != nil {
		c.report.add(levelError, at, "store_dir", " %s: this user may not write to %s; check as the user that Fluent Bit runs as", dir, exists)
	}
	c.volume(o, v, dir, at)
}

// volume reports the wrong kind of file system, or one that is too full.
func (c *checker) volume(o *output, v volume, dir string, at fluentconf.Pos) {
	switch v.kind {
	case inMemory:
		c.report.add(levelWarning, at, "store_dir", " %s is in memory (tmpfs): a restart of the host loses what is not in S3 yet", dir)
	case inContainer:
		c.report.add(levelWarning, at, "store_dir", " %s is inside the container (overlay): it goes with the container, and what is not in S3 yet with it; mount a volume there", dir)
	case onNetwork:
		c.report.add(levelNote, at, "store_dir", " %s is on the network: each chunk waits for it to be synced there", dir)
	}
	if limit, has := o.settings.Spool.DirLimit, v.free+used(dir); has < limit {
		c.report.add(levelWarning, o.given("store_dir_limit_size"), "store_dir_limit_size", " is %s, and %s has only %s to give", bytesText(limit), dir, bytesText(has))
	}
}

// shared reports a directory that another output, or Fluent Bit, has too.
func (c *checker) shared(o *output, dir string, at fluentconf.Pos) {
	for _, other := range c.outputs {
		if other == o {
			break
		}
		if !other.problems.Has("store_dir") && other.settings.Spool.Dir == dir {
			c.report.add(levelError, at, "store_dir", " %s is that of the output at %s too: each needs one of its own", dir, other.section.Pos)
		}
	}
	storage, err := filepath.Abs(c.config.Service.Value("storage.path"))
	if err == nil && c.config.Service.Value("storage.path") != "" && (within(dir, storage) || within(storage, dir)) {
		c.report.add(levelError, at, "store_dir", " %s and storage.path %s, where Fluent Bit keeps its chunks, must not be one inside the other", dir, storage)
	}
}

// within reports whether path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// nearest returns the directory, or the nearest one above it that exists.
func nearest(dir string) (exists string, info fs.FileInfo, err error) {
	for {
		info, err = os.Stat(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir, info, err
		}
		dir = filepath.Dir(dir)
	}
}

// used returns the bytes of the files below a directory, as far as they can be seen.
func used(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what can't be seen does not count
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}

// cause returns the reason of a file system's error without the path.
func cause(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// bytesText writes a size as Fluent Bit reads it, to three digits.
func bytesText(n int64) string {
	size, unit := float64(n), ""
	for _, next := range []string{"K", "M", "G", "T"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, next
	}
	return fmt.Sprintf("%.3g%s", size, unit)
}
