#!/bin/bash
#
# post-image.sh - the disk, and beside it what the Debian build has beside it
#
# usage: post-image.sh BINARIES_DIR; Buildroot sets TARGET_DIR and BUILD_DIR

set -eu

binaries=$1
here=$(cd "$(dirname "$0")" && pwd)

# Buildroot's own name for core.img is grub.img
boot=$(find "$BUILD_DIR"/grub2-*/build-i386-pc -name boot.img | head -n 1)
[ -n "$boot" ] || { echo "post-image: GRUB has left no boot.img" >&2; exit 1; }
head -c 440 "$boot" >"$binaries/boot.img"

rm -rf "$BUILD_DIR/genimage.tmp"
genimage --rootpath "$TARGET_DIR" --tmppath "$BUILD_DIR/genimage.tmp" \
	--inputpath "$binaries" --outputpath "$binaries" --config "$here/genimage.cfg"

"$here/../../../kernel-vm/cut-vmlinux" "$binaries/bzImage" "$binaries/vmlinux"
cp "$TARGET_DIR"/etc/vhostel/{VERSION,packages,cmdline} \
	"$TARGET_DIR/etc/ssh/ssh_host_ed25519_key.pub" "$binaries/"
# an archive without /init: the kernel mounts the root device itself
printf '' | cpio -o -H newc --quiet >"$binaries/initramfs.cpio"
