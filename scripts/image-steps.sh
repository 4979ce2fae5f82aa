#!/bin/sh
# The steps of the Dockerfile where there is no container engine: what .dockerignore lets through, in an empty folder; install,
# build, put together each image; then all services are started from those folders with nothing but the environment of the
# compose file, and checked. Takes two or three minutes, and the npm registry.
#
#   scripts/image-steps.sh [folder]
set -eu
cd "$(dirname "$0")/.."
repository=$PWD
folder=${1:-$(mktemp -d)}
mkdir -p "$folder/src"
sed -n 's/^!//p' .dockerignore | xargs git ls-files -z --cached --others --exclude-standard -- ':(exclude)*.test.ts' |
  tar --create --null --files-from=- | tar --extract --directory "$folder/src"
cd "$folder/src"
npm ci --strict-allow-scripts --no-audit --no-fund
npm run -s build
for workspace in apps/ingester apps/scheduler apps/payer apps/watcher apps/console apps/cli packages/devnet; do
  image="$folder/images/$(basename "$workspace")"
  deploy/image/assemble.sh "$workspace" "$image"
  echo "$(basename "$workspace"): $(du -sm "$image" | cut -f 1) MB beside the base image"
done
# The folders belong to another user in an image; here it is enough that nothing writes into them.
find "$folder/images" -type f -exec sha256sum {} + | sort >"$folder/before"
cd "$repository"
npm run -s compose:local -- --check --images "$folder/images"
find "$folder/images" -type f -exec sha256sum {} + | sort | cmp - "$folder/before"
echo "the images were not written to; they are in $folder/images"
