#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# tests/root.sh [-u] SUITE COMMAND... - runs a command in a fresh minimal root of a Debian suite
# (bookworm, trixie, sid), in a copy of this tree, and takes the root away again. -u: not as root,
# but as an ordinary user who may use sudo. The root's packages come from where this machine's do:
# mirror, proxy and credentials are apt's, read when it runs. Needs root or sudo; installs
# debootstrap where that is missing. The root is made in TMPDIR and takes about 2 GB with all that
# the tests want.
set -euo pipefail
tree=$(cd "$(dirname "$0")/.." && pwd)

as_user() {
  [ "$user" != root ]
}

apt_settings() { # proxies, time-outs, what is checked of dates
  apt-config dump | grep -E '^Acquire::(http|https|Check-[A-Za-z-]*|Retries|ForceIPv[46])(::|  *")' || true
}

# The archives of this machine's sources.list: "URI SUITE" a line, as they are for the suite asked
# for. That of Debian itself first; sid has no other.
archives() {
  local uri release label
  apt-get indextargets --format '$(LABEL) $(REPO_URI) $(RELEASE)' 'Identifier: Packages' 'Component: main' 'Origin: Debian' |
    sort -u | while read -r label uri release; do
      case $release in
        *-security | *-updates) [ "$suite" = sid ] || echo "2 $uri $suite-${release##*-}" ;;
        *-*) ;;
        *) [ "$label" != Debian ] || echo "1 $uri $suite" ;;
      esac
    done | sort -u | cut -d' ' -f2-
}

make_root() {
  local http_proxy=${http_proxy:-} found mirror
  found=$(archives)
  [ -n "$found" ] || { apt-get -q update >/dev/null 2>&1 && found=$(archives); }
  [ -n "$found" ] || { echo "tests/root.sh: apt knows no archive of Debian" >&2; exit 1; }
  mirror=${found%% *}
  [ -n "$http_proxy" ] || eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
  http_proxy=$http_proxy debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    "$suite" "$root" "$mirror" >"$log" 2>&1 || { tail -20 "$log" >&2; echo "tests/root.sh: debootstrap failed" >&2; exit 1; }
  sed 's/.*/deb & main/' <<<"$found" >"$root/etc/apt/sources.list"
  apt_settings >"$root/etc/apt/apt.conf.d/00machine"
  [ ! -e /etc/apt/auth.conf ] || cp -p /etc/apt/auth.conf "$root/etc/apt/"
  [ ! -d /etc/apt/auth.conf.d ] || cp -pr /etc/apt/auth.conf.d "$root/etc/apt/"
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io" # it is thrown away
  printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(hostname)" >"$root/etc/hosts"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  ln -sf pts/ptmx "$root/dev/ptmx"
}

in_root() { # COMMAND...: as root, without this machine's environment but for proxies
  local proxies
  mapfile -t proxies < <(env | grep -i '^[a-z]*_proxy=' || true)
  chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 EMQXTLS_ROOT=1 \
    TERM="${TERM:-dumb}" "${proxies[@]}" "$@"
}

make_user() {
  in_root sh -c 'apt-get -q update && apt-get -q -y install --no-install-recommends sudo' >"$log" 2>&1 ||
    { tail -20 "$log" >&2; exit 1; }
  in_root useradd --create-home --shell /bin/bash "$user"
  echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
}

# In a namespace of its own: mounts and processes end with it, whatever the command leaves behind.
inside() { # USER LOG ROOT SUITE COMMAND...
  local home
  user=$1 log=$2 root=$3 suite=$4
  shift 4
  make_root
  home=/root
  if as_user; then
    make_user
    home=/home/$user
  fi
  mkdir "$root$home/libemqxtls"
  tar -C "$tree" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$root$home/libemqxtls" --no-same-owner -xf -
  in_root chown -R "$user:" "$home/libemqxtls"
  # shellcheck disable=SC2016 # for the shell inside
  set -- sh -c 'cd "$0" && exec "$@"' "$home/libemqxtls" "$@"
  if as_user; then
    set -- setpriv --reuid "$user" --regid "$user" --init-groups env HOME="$home" USER="$user" \
      PATH=/usr/local/bin:/usr/bin:/bin "$@"
  fi
  in_root "$@"
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
  exit
fi

user=root
[ "${1:-}" != -u ] || { user=tester && shift; }
[ $# -ge 2 ] || { sed -n '4,9s/^# //p' "$0"; exit 2; }
"$tree/tests/packages.sh" roots
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "tests/root.sh needs root or sudo" >&2; exit 1; }
  as_user && set -- -u "$@"
  exec sudo -- "$0" "$@"
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/emqxtls-root.XXXXXX")
child=
trap '[ -z "$child" ] || { kill "$child" && wait "$child"; } 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' HUP INT TERM
mkdir -m 755 "$work/root"
unshare --mount --pid --fork --kill-child "$0" --inside "$user" "$work/log" "$work/root" "$@" <&0 &
child=$!
status=0
wait "$child" || status=$?
child=
exit $status
