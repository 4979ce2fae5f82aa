#!/bin/sh
# Puts together what one image holds, out of a repository that has been built:
#   deploy/image/assemble.sh <workspace> <folder>        workspace: apps/payer, packages/devnet, …
# The Dockerfile runs this, and so does scripts/image-steps.sh where there is no container engine. Nothing is fetched.
set -eu
workspace=$1 out=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
mkdir -p "$out/$workspace" "$out/deploy/image"

cp "$workspace/package.json" "$out/$workspace/"
for part in dist bin public; do
  if [ -d "$workspace/$part" ]; then cp -R "$workspace/$part" "$out/$workspace/"; fi
done
cp deploy/image/*.mjs "$out/deploy/image/"
if [ "$workspace" = apps/cli ]; then
  mkdir -p "$out/prisma"
  cp -R prisma/migrations prisma/functions "$out/prisma/"
fi

# What stays a folder beside the bundle. The curve's compiled part, for all; ccxt, which is large, for the payer alone.
case "$workspace" in
apps/payer) packages="secp256k1 ccxt" ;;
apps/cli) packages="secp256k1 sql.js" ;;
apps/console) packages="secp256k1 @bull-board/ui" ;;
*) packages="secp256k1" ;;
esac
# shellcheck disable=SC2086 -- one word for each package
node scripts/copy-packages.mjs "$out" $packages
