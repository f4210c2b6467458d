package spool

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// kill returns the disk as the death of the process leaves it.
func (d *disk) kill() *disk { return d.copy(nil) }

// crash returns the disk as a power loss may leave it.
func (d *disk) crash(rng *rand.Rand) *disk { return d.copy(rng) }

// copy copies the disk, without what rng loses if there is one.
func (d *disk) copy(rng *rand.Rand) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	to := newDisk()
	nodes := map[*inode]*inode{}
	node := func(from *inode) *inode {
		if from == nil {
			return nil
		}
		if nodes[from] == nil {
			nodes[from] = from.copy(rng, d)
		}
		return nodes[from]
	}
	for _, path := range slices.Sorted(maps.Keys(d.dirs)) {
		from := d.dirs[path]
		if rng != nil {
			from = from.crash(rng)
		}
		dir := &directory{names: map[string]*inode{}, synced: map[string]*inode{}}
		for _, name := range slices.Sorted(maps.Keys(from.names)) {
			dir.names[name] = node(from.names[name])
		}
		for _, name := range slices.Sorted(maps.Keys(from.synced)) {
			dir.synced[name] = node(from.synced[name])
		}
		for _, op := range from.ops {
			dir.ops = append(dir.ops, dirOp{op.from, op.to, node(op.node)})
		}
		to.dirs[path] = dir
	}
	return to
}

// crash keeps a prefix or any subset of the operations that were not synced.
func (dir *directory) crash(rng *rand.Rand) *directory {
	kept := &directory{names: maps.Clone(dir.synced)}
	lost := map[string]bool{} // names whose later operations are lost too
	prefix := rng.IntN(2) == 0
	for _, op := range dir.ops {
		if rng.IntN(2) == 0 || lost[op.from] || lost[op.to] {
			if prefix {
				break
			}
			lost[op.from], lost[op.to] = true, true
			delete(lost, "")
			continue
		}
		kept.apply(op)
	}
	kept.synced, kept.ops = maps.Clone(kept.names), nil
	return kept
}

func (n *inode) copy(rng *rand.Rand, d *disk) *inode {
	if rng != nil {
		data := n.crash(rng, d.anyFile(rng))
		return &inode{data: data, synced: slices.Clone(data)}
	}
	return &inode{data: slices.Clone(n.data), synced: slices.Clone(n.synced), ops: slices.Clone(n.ops)}
}

// anyFile returns the bytes of some file of the disk.
func (d *disk) anyFile(rng *rand.Rand) []byte {
	dir := d.dirs[slices.Sorted(maps.Keys(d.dirs))[rng.IntN(len(d.dirs))]]
	if len(dir.names) == 0 {
		return nil
	}
	return dir.names[slices.Sorted(maps.Keys(dir.names))[rng.IntN(len(dir.names))]].data
}

const sectorLen = 512

// crash returns what is left of the file: the synced bytes and any part of the
// operations after that. What was not written where the file grew reads as zeros
// or as the bytes of stale.
func (n *inode) crash(rng *rand.Rand, stale []byte) []byte {
	data := slices.Clone(n.synced)
	if len(n.ops) == 0 {
		return data
	}
	oldLen := len(data)
	written := map[int64]bool{} // sectors
	keep := []int{0, 1, 2}[rng.IntN(3)]
	for _, op := range n.ops {
		if op.truncate {
			if rng.IntN(2) == 0 {
				data = op.apply(data)
				oldLen = min(oldLen, len(data))
			}
			continue
		}
		for off := op.off; off < op.off+int64(len(op.data)); {
			end := min((off/sectorLen+1)*sectorLen, op.off+int64(len(op.data)))
			if rng.IntN(2) < keep {
				data = dataOp{off: off, data: op.data[off-op.off : end-op.off]}.apply(data)
				written[off/sectorLen] = true
			}
			off = end
		}
	}
	switch longest := max(len(data), len(n.data)); rng.IntN(4) {
	case 0:
		data = append(data, make([]byte, longest-len(data))...)
	case 1:
		data = data[:oldLen+rng.IntN(len(data)-oldLen+1)]
	}
	if rng.IntN(4) == 0 {
		for i := oldLen; i < min(len(data), len(stale)); i++ {
			if !written[int64(i)/sectorLen] {
				data[i] = stale[i]
			}
		}
	}
	return data
}
