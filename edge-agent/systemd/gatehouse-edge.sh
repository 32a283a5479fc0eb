#!/bin/sh
# The commands of the edge agent. Root becomes the user of the service: what works here works there, and files get the right owner.
set -e

if [ -r /etc/default/gatehouse-edge ]; then
  set -a
  . /etc/default/gatehouse-edge
  set +a
fi

home=/usr/lib/gatehouse-edge
set -- "$home/bin/node" --max-old-space-size=96 "$home/edge-agent/dist/main.js" "$@"

# Without a configuration of its own a command gets that of the service.
configured=
for argument in "$@"; do
  case "$argument" in
  -c | -c?* | --config | --config=* | --data-dir | --data-dir=* | -h | --help | -V | --version) configured=1 ;;
  esac
done
if [ -z "$configured" ]; then
  set -- "$@" --config /etc/gatehouse/edge.yaml
fi

if [ "$(id -u)" -eq 0 ] && id -u gatehouse > /dev/null 2>&1; then
  exec setpriv --reuid gatehouse --regid gatehouse --init-groups --no-new-privs --inh-caps=-all "$@"
fi
exec "$@"
