# shellcheck shell=bash
# Shared by ./run, ./test and ./bench: packages, configuring, building.  Speaks on standard error only.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

# Set-up problems end with 3: 1 and 2 are answers of ridge itself.
fail() {
  say "$*"
  exit 3
}

# missing_packages GROUP... : the packages of these groups in cmake/packages.txt that are not installed.
missing_packages() {
  local group package
  while read -r group package; do
    [[ " $* " == *" $group "* ]] || continue
    [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2> /dev/null) == ii* ]] || echo "$package"
  done < "$root/cmake/packages.txt"
}

# install_packages GROUP... : by apt-get, as root or through sudo.  Elsewhere CMake names what it misses.
install_packages() {
  command -v dpkg-query apt-get > /dev/null || return 0
  local missing as_root=() log=$root/build/packages.log
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  missing=${missing//$'\n'/ }
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo > /dev/null || fail "Packages are missing, and neither root nor sudo is at hand. As root:
  apt-get update && apt-get install -y --no-install-recommends $missing"
    as_root=(sudo)
  fi
  say "Installing $missing"
  mkdir -p "$root/build"
  # shellcheck disable=SC2086
  if ! { "${as_root[@]}" apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } \
    > "$log" 2>&1 < /dev/null; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install them; the whole of what it said is in build/packages.log"
  fi
}

# build PRESET TARGETS [-D...] : TARGETS is a list in one word; configures when needed.
build() {
  local preset=$1 targets=$2
  local folder=$root/build/$preset
  shift 2
  if [[ ! -f $folder/build.ninja || $# -gt 0 ]]; then
    mkdir -p "$folder"
    (cd "$root" && cmake --preset "$preset" "$@" > "$folder/configure.log") ||
      fail "Configuring failed; build/$preset/configure.log holds the rest"
  fi
  # shellcheck disable=SC2086
  cmake --build "$folder" --target $targets >&2 || fail "Building failed (build/$preset)"
}

# is_fresh STAMP : nothing that ridge is made of changed since STAMP.
is_fresh() {
  [[ -f $1 ]] || return 1
  local changed
  changed=$(cd "$root" && find CMakeLists.txt CMakePresets.json cmake base model hardware sim cli calibrate presets \
    -newer "$1" -print -quit)
  [[ -z $changed ]]
}
