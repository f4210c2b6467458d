#!/bin/sh
# Makes the packages of the last commit twice, in different directories, the second
# time with nothing compiled before, and compares them byte for byte.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
for copy in one another; do
	mkdir "$work/$copy"
	git archive HEAD | tar -x -C "$work/$copy"
done
make -C "$work/one" dist VERSION="$VERSION"
# The tools of the release are compiled with the usual cache all the same.
GOCACHE="$work/cache" make -C "$work/another" build VERSION="$VERSION"
make -C "$work/another" -o build dist VERSION="$VERSION"
diff -r "$work/one/dist" "$work/another/dist"
echo "the packages are the same, byte for byte"
