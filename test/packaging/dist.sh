#!/bin/sh
# Makes what is released, in dist/: a tar.gz, a .deb, an SBOM (CycloneDX) and
# their checksums. The same sources, Go and C compiler make the same bytes: times
# are that of the commit, and nothing tells where or by whom it was built.
#
# It needs what is built in build/, and $VERSION.
set -eu
export LC_ALL=C TZ=UTC
umask 022
tool() { go tool -modfile=dist.mod "$@"; }

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y go.mod)}
ARCH=$(go env GOARCH)
GLIBC=$(go run ./test/packaging/glibc build/out_siem_s3.so build/siemctl)
# A release is tagged v1.2.3; what is between two, or before the first, sorts so.
case $VERSION in
[0-9]*.[0-9]*.* | v[0-9]*) PACKAGE_VERSION=$(echo "${VERSION#v}" | sed -E 's/-(alpha|beta|rc)/~\1/; s/-/+/; s/-/./g') ;;
*) PACKAGE_VERSION=0.0.0+git.$(echo "$VERSION" | tr - .) ;;
esac
NAME=siem-s3_${PACKAGE_VERSION}_linux_$ARCH
STAGE=dist/$NAME
export SOURCE_DATE_EPOCH ARCH GLIBC PACKAGE_VERSION STAGE

rm -rf dist
mkdir -p "$STAGE/doc/conf"
cp build/out_siem_s3.so build/siemctl "$STAGE"
cp LICENSE NOTICE README.md CHANGELOG.md "$STAGE/doc"
cp -R docs "$STAGE/doc/docs"
cp conf/*.conf conf/*.yaml conf/sample-events.ndjson "$STAGE/doc/conf"
mkdir "$STAGE/doc/deploy"
cp -R deploy/systemd deploy/tmpfiles.d deploy/aws deploy/kubernetes deploy/compose.yaml "$STAGE/doc/deploy"
chmod -R u=rwX,go=rX "$STAGE"

tool nfpm package --config deploy/nfpm.yaml --packager deb --target dist
tar -C dist --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$NAME" |
	gzip -n -9 >"dist/$NAME.tar.gz"
rm -rf "$STAGE"

for program in out_siem_s3.so siemctl; do
	# It reads what is in the program, which must be executable for that.
	install -m 755 "build/$program" "dist/$program"
	tool cyclonedx-gomod bin -json -noserial -notimestamp -version "$PACKAGE_VERSION" \
		-output "dist/siem-s3_${PACKAGE_VERSION}_$program.cdx.json" "dist/$program" 2>/dev/null
	rm "dist/$program"
done
(cd dist && sha256sum -- *.tar.gz *.deb *.cdx.json >SHA256SUMS)
cat dist/SHA256SUMS
