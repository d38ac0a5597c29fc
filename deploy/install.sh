#!/bin/sh
# Installs entitle from a release: downloads the archive for this system, checks it, copies it below a prefix.
#
#   sh install.sh                      the newest release into /usr/local for root, else into ~/.local
#   sh install.sh --version 0.1.0 --prefix /opt/entitle
#   sh install.sh --uninstall          removes what was installed, and no settings or journals
#
#   --from URL            where SHA256SUMS and the archives are, for a mirror: https, or http on this machine
#   --key KEY             the public key of minisign that has signed SHA256SUMS, instead of the one in this file
#   --require-signature   fails where the signature cannot be checked, instead of saying so
#
# Nothing is changed before everything is checked.
set -eu

releases=https://github.com/entitle-dev/entitle/releases
# The release has a copy of this file with its key.
key=

say() {
  printf 'install.sh: %s\n' "$*" >&2
}

fail() {
  say "$@"
  exit 1
}

# Prints the part of the archive's name that stands for this system.
platform() {
  case $(uname -m) in
    x86_64 | amd64) cpu=x86_64 ;;
    aarch64 | arm64) cpu=aarch64 ;;
    *) cpu= ;;
  esac
  case $(uname -s) in
    Linux) system=unknown-linux ;;
    Darwin) system=apple-darwin ;;
    *) system= ;;
  esac
  if [ -z "$cpu" ] || [ -z "$system" ]; then
    fail "there is no release for $(uname -s) on $(uname -m): build it from a checkout, as its README says"
  fi
  echo "$cpu-$system"
}

# Usage: fetch URL FILE
fetch() {
  case $1 in
    https://*) protocol='=https' ;;
    http://127.0.0.1[:/]* | http://localhost[:/]* | http://\[::1\]*) protocol='=http' ;;
    *) fail "$1 is not https" ;;
  esac
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --proto "$protocol" --retry 2 --connect-timeout 20 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    # Of the two usual ones, that of busybox knows no --https-only; SHA256SUMS is https, and has the digest of the rest.
    wget -q -O "$2" "$1"
  else
    fail "there is neither curl nor wget"
  fi
}

# Prints the digest of a file.
digest() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1"
  elif command -v shasum >/dev/null; then
    shasum -a 256 "$1"
  else
    openssl dgst -sha256 -r "$1"
  fi | cut -d' ' -f1
}

# Checks who signed SHA256SUMS, as far as that is possible.
check_signature() {
  unchecked=
  if [ -z "$key" ]; then
    unchecked="no key is known"
  elif ! command -v minisign >/dev/null; then
    unchecked="there is no minisign"
  fi
  if [ -z "$unchecked" ]; then
    fetch "$from/SHA256SUMS.minisig" "$work/SHA256SUMS.minisig" || fail "the release has no signature; nothing was installed"
    minisign -V -q -P "$key" -m "$work/SHA256SUMS" -x "$work/SHA256SUMS.minisig" >/dev/null 2>&1 \
      || fail "SHA256SUMS is not signed by $key; nothing was installed"
    say "the signature is good"
  elif [ -n "$must_be_signed" ]; then
    fail "the signature cannot be checked: $unchecked; nothing was installed"
  else
    say "the signature was not checked: $unchecked"
  fi
}

# Usage: make_folder DIR. Makes it with its parents, and notes those that were not there.
make_folder() {
  [ ! -d "$1" ] || return 0
  make_folder "$(dirname "$1")"
  mkdir "$1"
  echo "$1/" >> "$work/installed"
}

# Usage: put FILE DIR NAME MODE. A program that runs keeps its file, since the new one takes its name only.
put() {
  make_folder "$2"
  cp "$1" "$2/.$3.new"
  chmod "$4" "$2/.$3.new"
  mv "$2/.$3.new" "$2/$3"
  echo "$2/$3" >> "$work/installed"
}

install_release() {
  [ -n "$from" ] || case $version in
    latest) from=$releases/latest/download ;;
    *) from=$releases/download/v${version#v} ;;
  esac
  wanted=$(platform)
  fetch "$from/SHA256SUMS" "$work/SHA256SUMS" || fail "$from/SHA256SUMS cannot be fetched; nothing was installed"
  check_signature
  line=$(grep -E "^[0-9a-f]{64}  entitle-[0-9A-Za-z.+-]+-${wanted}[a-z-]*\.tar\.gz\$" "$work/SHA256SUMS" || true)
  [ "$(printf '%s' "$line" | grep -c .)" = 1 ] || fail "the release has no archive for $wanted; nothing was installed"
  archive=${line##* }
  fetch "$from/$archive" "$work/$archive" || fail "$from/$archive cannot be fetched; nothing was installed"
  [ "$(digest "$work/$archive")" = "${line%% *}" ] || fail "$archive is not the one that SHA256SUMS has; nothing was installed"

  mkdir "$work/files"
  tar -xzf "$work/$archive" -C "$work/files"
  files=$work/files/${archive%.tar.gz}
  [ -z "$(find "$files" ! -type f ! -type d)" ] || fail "there is more than files in $archive; nothing was installed"
  "$files/entitle" --version >/dev/null || fail "the program does not run on this system; nothing was installed"

  : > "$work/installed"
  put "$files/entitle" "$prefix/bin" entitle 755
  for page in "$files"/man/*.1; do
    put "$page" "$prefix/share/man/man1" "${page##*/}" 644
  done
  put "$files/completions/entitle.bash" "$prefix/share/bash-completion/completions" entitle 644
  put "$files/completions/_entitle" "$prefix/share/zsh/site-functions" _entitle 644
  put "$files/completions/entitle.fish" "$prefix/share/fish/vendor_completions.d" entitle.fish 644
  for text in LICENSE-MIT LICENSE-APACHE THIRD-PARTY.txt; do
    put "$files/$text" "$prefix/share/licenses/entitle" "$text" 644
  done
  make_folder "${list%/*}"
  if [ -e "$list" ]; then forget_older; fi
  cp "$work/installed" "$list"
  say "installed $("$prefix/bin/entitle" --version) into $prefix"
  case ":$PATH:" in
    *":$prefix/bin:"*) ;;
    *) say "$prefix/bin is not on your PATH" ;;
  esac
}

# Removes what an older version brought and this one does not, and goes on noting the folders that it made.
forget_older() {
  grep '/$' "$list" >> "$work/installed" || true
  grep -v -x -F -f "$work/installed" "$list" > "$work/older" || true
  remove_noted "$work/older"
}

# Removes the files that are noted, and the folders that were made for them and hold nothing else.
remove_noted() {
  while read -r path; do
    case $path in
      *..*) fail "$list is damaged" ;;
      */) ;;
      "$prefix"/*) rm -f "$path" ;;
    esac
  done < "$1"
  # The deepest first.
  sed -n 's|/$||p' "$1" | sort -r | while read -r folder; do
    rmdir "$folder" 2>/dev/null || true
  done
}

version=latest
from=
prefix=
action=install
must_be_signed=
while [ $# -gt 0 ]; do
  case $1 in
    --version | --prefix | --from | --key)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --version) version=$2 ;;
        --prefix) prefix=$2 ;;
        --from) from=${2%/} ;;
        --key) key=$2 ;;
      esac
      shift 2
      ;;
    --uninstall) action=uninstall && shift ;;
    --require-signature) must_be_signed=yes && shift ;;
    --help | -h) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) fail "unknown argument $1; see --help" ;;
  esac
done
if [ -z "$prefix" ]; then
  if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
fi
case $prefix in
  *..*) fail "write the prefix without .." ;;
  /*) prefix=${prefix%/} ;;
  *) prefix=$(pwd)/${prefix%/} ;;
esac
list=$prefix/share/entitle/installed

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
umask 022

if [ "$action" = uninstall ]; then
  [ -e "$list" ] || fail "nothing was installed below $prefix by this"
  cp "$list" "$work/removed"
  rm "$list"
  remove_noted "$work/removed"
  say "removed entitle from $prefix"
else
  install_release
fi
