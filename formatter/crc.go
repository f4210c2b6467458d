package formatter

// crcPoly is the IEEE polynomial of CRC-32 (RFC 1952 section 8), its bits
// reversed: the highest bit is the coefficient of x^0.
const crcPoly = 0xedb88320

// crcPowers holds x^(2^n) modulo the polynomial at index n. As x^(2^32) is x
// again, the index wraps.
var crcPowers = func() (powers [32]uint32) {
	powers[0] = 1 << 30 // x
	for n := 1; n < len(powers); n++ {
		powers[n] = crcMultiply(powers[n-1], powers[n-1])
	}
	return powers
}()

// CombineCRC32 returns the IEEE CRC-32 of two byte strings put together, from
// the CRC-32 of each and the length in bytes of the second, which must not be
// negative. Its cost grows with the logarithm of that length: it is well below a
// microsecond for a batch.
//
// The method is that of zlib's crc32_combine: the first CRC times x^(8*len2),
// plus the second.
func CombineCRC32(crc1, crc2 uint32, len2 int64) uint32 {
	shift := uint32(1 << 31) // x^0
	for n := 3; len2 > 0; n++ {
		if len2&1 != 0 {
			shift = crcMultiply(crcPowers[n%32], shift)
		}
		len2 >>= 1
	}
	return crcMultiply(shift, crc1) ^ crc2
}

// crcMultiply returns a times b modulo the polynomial.
func crcMultiply(a, b uint32) (product uint32) {
	for ; a != 0; a <<= 1 {
		product ^= b & -(a >> 31)
		b = b>>1 ^ crcPoly&-(b&1)
	}
	return product
}
