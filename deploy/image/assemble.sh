#!/bin/sh
# Puts together what one image holds, out of a repository that has been built:
#   deploy/image/assemble.sh <workspace> <folder>        workspace: apps/payer, packages/devnet, …
# The Dockerfile runs this, and so does scripts/image-steps.sh where there is no container engine.
set -eu
workspace=$1 out=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
mkdir -p "$out/deploy/image" "$out/prisma"

# npm wants the manifest of every workspace beside the lock, also of those it does not install.
for manifest in package.json package-lock.json absent/*/package.json apps/*/package.json packages/*/package.json; do
  mkdir -p "$out/$(dirname "$manifest")"
  cp "$manifest" "$out/$manifest"
done
# Without peers and optionals: the command line tool of Prisma, a compiler, native parts that have a substitute in
# JavaScript, and the embedded PostgreSQL. Without scripts: those of packages are denied, and ours is run below.
(cd "$out" && npm ci --strict-allow-scripts --ignore-scripts --no-audit --no-fund \
  --omit=dev --omit=peer --omit=optional --include-workspace-root=false --workspace="$workspace")

case "$workspace" in
packages/*) folders=$workspace ;;
*) folders="$workspace packages/kernel packages/bitshares packages/core" ;;
esac
for folder in $folders; do
  for part in dist bin public; do
    if [ -d "$folder/$part" ]; then cp -R "$folder/$part" "$out/$folder/"; fi
  done
done
if [ "$workspace" = apps/cli ]; then cp -R prisma/migrations prisma/functions "$out/prisma/"; else rmdir "$out/prisma"; fi
cp deploy/image/*.mjs "$out/deploy/image/"

# What nothing loads: parts of packages, manifests of others, ccxt but for the payer, types, maps.
node scripts/prune-packages.mjs "$out/node_modules"
cd "$out"
for manifest in apps/*/package.json packages/*/package.json; do
  folder=$(dirname "$manifest")
  if [ ! -d "$folder/dist" ]; then rm -r "$folder"; fi
done
if [ "$workspace" != apps/payer ]; then rm -rf node_modules/ccxt; fi
rm -rf absent package-lock.json node_modules/.package-lock.json
find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '.tsbuildinfo' \) -delete
# Links of workspaces that were left out point nowhere.
find node_modules -type l ! -exec test -e {} \; -delete
