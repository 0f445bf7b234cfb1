#!/bin/bash
#
# post-build.sh - makes of Buildroot's target tree what the overlay expects
#
# usage: post-build.sh TARGET_DIR; Buildroot sets BUILD_DIR as well

set -eu

target=$1
here=$(cd "$(dirname "$0")" && pwd)
image_vm=$here/../..

# our rcS is all that runs at the start
rm -f "$target"/etc/init.d/S[0-9]* "$target"/etc/init.d/rcK

# where Debian has it, and the overlay looks
[ -e "$target/usr/sbin/qemu-ga" ] || ln -s ../bin/qemu-ga "$target/usr/sbin/qemu-ga"

# DPDK builds its examples but installs only their sources
l3fwd=$(find "$BUILD_DIR"/dpdk-*/ -type f -name dpdk-l3fwd | head -n 1)
[ -n "$l3fwd" ] || { echo "post-build: DPDK has built no dpdk-l3fwd" >&2; exit 1; }
install -D -m 0755 "$l3fwd" "$target/usr/bin/l3fwd"
rm -rf "$target/usr/share/dpdk/examples"

key=${VHOSTEL_HOST_KEY:-$BUILD_DIR/vhostel_host_key}
[ -e "$key" ] || ssh-keygen -q -t ed25519 -N '' -C vhostel -f "$key"
install -D -m 0600 "$key" "$target/etc/ssh/ssh_host_ed25519_key"
ssh-keygen -y -f "$key" >"$target/etc/ssh/ssh_host_ed25519_key.pub"
chmod 0440 "$target/etc/sudoers"

# kernel arguments: the root device comes from genimage.cfg, and e1000 is built in
cmdline="root=PARTUUID=76686f73-01 rootfstype=ext4 rw rootwait $(cat "$image_vm/cmdline")"
cmdline="$cmdline e1000.Speed=100,100,100,100 e1000.Duplex=2,2,2,2"
mkdir -p "$target/etc/vhostel" "$target/boot/grub"
echo "$cmdline" >"$target/etc/vhostel/cmdline"
cat >"$target/boot/grub/grub.cfg" <<END
linux /boot/bzImage $cmdline
boot
END

find "$BUILD_DIR" -mindepth 1 -maxdepth 1 -type d ! -name 'host-*' ! -name 'skeleton*' \
	! -name 'buildroot-*' ! -name 'toolchain*' -printf '%f\n' | sort >"$target/etc/vhostel/packages"
{
	echo "version=$(sed -n 's/^VERSION=//p' "$image_vm/build")"
	echo "system=Buildroot ${BR2_VERSION:-}"
	echo "kernel=$(sed -n 's/^linux-\([0-9].*\)/\1/p' "$target/etc/vhostel/packages")"
	echo "dpdk=$(sed -n 's/^dpdk-//p' "$target/etc/vhostel/packages")"
} >"$target/etc/vhostel/VERSION"
ln -sf etc/vhostel/VERSION "$target/VERSION"
