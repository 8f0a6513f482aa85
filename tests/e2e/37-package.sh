#!/usr/bin/env bash
# The Debian package, installed over a copy of this machine that nobody else sees: the unit's user and directories are
# there, the program finds its model, the manual opens.
source "$(dirname "$0")/../lib/e2e.sh"
build=$(dirname "$bellwether")
[ -f "$build/CPackConfig.cmake" ] || skip "$build is no build tree of CMake's"
need cpack dpkg setpriv unshare
[ "$(id -u)" = 0 ] || skip "installing needs root"
(cd "$build" && cpack -B "$scratch" >"$scratch/cpack.log" 2>&1) || fail "cpack"
package=$(echo "$scratch"/bellwether-*.deb)
[ -f "$package" ] || fail "no package"

cat >"$scratch/install.sh" <<'SH'
set -eu
over=$1 package=$2
mount -t tmpfs none "$over"
mkdir "$over/upper" "$over/work" "$over/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" "$over/root"
mount -t proc proc "$over/root/proc"
echo mounted
cp "$package" "$over/root/root/bellwether.deb"
chroot "$over/root" sh -eu <<'INSIDE'
cd /
dpkg -i /root/bellwether.deb >/root/dpkg.log 2>&1 || { cat /root/dpkg.log; exit 1; }
echo "user $(id -un bellwether)"
stat -c '%n %a %U %G' /etc/bellwether /etc/bellwether/webhook-secret /var/lib/bellwether
as() { setpriv --reuid bellwether --regid bellwether --init-groups "$@"; }
as bellwether check --offline --config /usr/share/doc/bellwether/examples/bellwether.yaml
echo "Shares plunge" | as env -u BELLWETHER_MODEL bellwether score --format tsv
test -s /usr/share/man/man1/bellwether.1
test -f /usr/lib/systemd/system/bellwether.service
dpkg -r bellwether >/dev/null
test ! -e /usr/bin/bellwether
INSIDE
SH
mkdir "$scratch/over"
rc=0
unshare -m bash "$scratch/install.sh" "$scratch/over" "$package" >"$scratch/said" 2>&1 || rc=$?
said=$(<"$scratch/said")
grep -q '^mounted' <<<"$said" || skip "an overlay cannot be mounted here"
equal "installing: exit ($said)" $rc 0
contains "installing" "$said" "user bellwether"
contains "installing" "$said" "/etc/bellwether 750 root bellwether"
contains "installing" "$said" "/etc/bellwether/webhook-secret 600 root root"
contains "installing" "$said" "/var/lib/bellwether 750 bellwether bellwether"
contains "the installed program" "$said" "/var/lib/bellwether/bellwether.db: will be made"
contains "the installed program" "$said" "/usr/share/bellwether/model: version"
contains "the installed program" "$said" "negative	"
echo "$(basename "$package"): $(($(stat -c %s "$package") >> 20)) MB, installs, runs and goes"
