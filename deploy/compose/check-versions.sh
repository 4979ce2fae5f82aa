#!/bin/sh
# Says what is too old here for docker-compose.yml, and ends with 1. Where no engine answers there is nothing to be checked.
set -eu

# Of the engine: `start_interval` of health checks. Of Compose: an `env_file` that need not be there.
engine_min=25.0
compose_min=2.24.0

older() { # version, minimum
  [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}
check() { # what, version, minimum
  version=$(printf '%s' "$2" | sed 's/^v//; s/[-+].*//')
  if older "$version" "$3"; then
    echo "$1 is $2; docker-compose.yml wants $3 or newer" >&2
    exit 1
  fi
}

engine=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || exit 0
[ -n "$engine" ] || exit 0
check 'Docker Engine' "$engine" "$engine_min"
compose=$(docker compose version --short 2>/dev/null) || {
  echo "there is no Docker Compose ($compose_min or newer)" >&2
  exit 1
}
check 'Docker Compose' "$compose" "$compose_min"
