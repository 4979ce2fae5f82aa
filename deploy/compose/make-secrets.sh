#!/bin/sh
# Makes the files that docker-compose.yml takes its secrets from. Files that are there already are left as they are.
#
#   deploy/compose/make-secrets.sh          passwords at random; the custodian's keys are yours to put in
#   deploy/compose/make-secrets.sh dev      keys of the development chain, which everybody knows, and an .env for it
#
# The folder is for its owner alone; the files in it are readable, because a container sees a file as it lies here, and
# its user is unknown to this machine.
set -eu
cd "$(dirname "$0")/../.."
deploy/compose/check-versions.sh
folder=${STAKEBTS_SECRETS_DIR:-./secrets}
mkdir -p "$folder"
chmod 700 "$folder"

put() { # name, content
  if [ -e "$folder/$1" ]; then return; fi
  (umask 077 && printf '%s\n' "$2" >"$folder/$1")
  chmod 444 "$folder/$1"
}
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

put postgres_password "$(random)"
# The owner's, with the same password: if you change one, change the other.
put database_url "postgresql://stakebts:$(cat "$folder/postgres_password")@postgres:5432/stakebts"
# Each process has a login of its own, made by the service `migrate` from these (docs/deploy.md, Database roles).
for process in backup console ingester operator payer scheduler watcher; do
  put "database_url_$process" "postgresql://stakebts_${process}_login:$(random)@postgres:5432/stakebts"
done
put redis_password "$(random)"
# The same password, as the server reads it and as its clients do.
put redis_config "requirepass $(cat "$folder/redis_password")"
put redis_url "redis://:$(cat "$folder/redis_password")@redis:6379"
put grafana_password "$(random)"
put alertmanager_config "$(cat deploy/compose/alertmanager.yml)"

if [ "${1:-}" = dev ]; then
  # From the public seeds <account>-active and <account>-memo (packages/devnet): worth nothing on any other chain.
  put active_key 5KH4sLCJn7AbkQo5jrbk7nHyDnjCVJWQeq4xgM7Nr37zbv8x1dV
  put memo_key 5KJPkfiRJSeNa3nb8oeHfUGkkMJ4ZM85DJfYFaMhYfyw4TLF3q6
  put exchange_1_key key-1
  put exchange_1_secret secret-1
  put exchange_1_deposit_memo account-1
  put console_password "$(random)"
  if [ ! -e .env ] && [ -z "${STAKEBTS_SECRETS_DIR:-}" ]; then
    cp deploy/compose/dev.env .env
    # Each checkout has a project of its own, or the second would take over the containers of the first.
    printf 'COMPOSE_PROJECT_NAME=stakebts-dev-%s\n' "$(pwd | cksum | cut -d ' ' -f 1)" >>.env
  fi
  echo "the console's user is operator, the password is in $folder/console_password"
else
  # Not used until .env names them; the compose file wants them to exist.
  put exchange_1_key unused
  put exchange_1_secret unused
  put exchange_1_deposit_memo unused
  put console_password "$(random)"
  for key in active_key memo_key; do
    if [ ! -e "$folder/$key" ]; then
      echo "put the custodian's $key (WIF, begins with 5) into $folder/$key, then: chmod 444 $folder/$key"
    fi
  done
  if grep -q '^ *receiver: nobody' "$folder/alertmanager_config"; then
    echo "no person gets alerts until you put a receiver into $folder/alertmanager_config (profile observability)"
  fi
fi
