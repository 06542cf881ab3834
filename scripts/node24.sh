#!/bin/sh
# Runs its arguments with Node 24, whatever Node the machine has: the locked npm package node-linux-<arch> brings it.
# In a checkout it first installs the dependencies when they are missing or older than the lockfile, so that
# `npm start` and `npm test` work in a fresh clone.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)

# Seconds since the epoch at which a file last changed; 0 when there is none.
changed() { stat -c %Y "$1" 2>/dev/null || echo 0; }

if [ -e "$root/package-lock.json" ]; then
  installed="$root/node_modules/.package-lock.json"
  # npm writes both files within moments of each other, in either order; a later lockfile came from elsewhere.
  if [ ! -e "$installed" ] || [ $(($(changed "$root/package-lock.json") - $(changed "$installed"))) -gt 120 ]; then
    echo "kubeffect: installing dependencies (npm ci)" >&2
    # Some packages ask for a newer Node than the machine may have, and npm says so; nothing here runs on that one.
    (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2)
    touch "$installed"
  fi
fi

case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=none ;;
esac
# As a dependency of another project the package lies beside ours, not inside.
for node in "$root/node_modules/node-linux-$arch/bin/node" "$root/../node-linux-$arch/bin/node"; do
  if [ -x "$node" ]; then
    exec "$node" --disable-warning=ExperimentalWarning "$@"
  fi
done

if command -v node >/dev/null 2>&1 && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)'; then
  exec node --disable-warning=ExperimentalWarning "$@"
fi
echo "kubeffect: needs Node 24 or newer, and found none; on this platform install it and put it in PATH" >&2
exit 1
