#!/bin/sh
# Records a deployment. Run it before and after the deployment, with the same STARTED_AT:
#
#   export STARTED_AT="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
#   record.sh started; if ./deploy.sh; then record.sh succeeded; else record.sh failed; exit 1; fi
#
#   FIREBREAK_URL, FIREBREAK_TOKEN (a token with the permission deployments:write)
#   SERVICE, ENVIRONMENT, VERSION; optional: COMMIT, COMMITTED_AT, AUTHOR, URL
#
# Says so and exits with 0 if Firebreak cannot be reached: the deployment is more important than its record.
set -eu
: "${FIREBREAK_URL:?}" "${FIREBREAK_TOKEN:?}" "${SERVICE:?}" "${ENVIRONMENT:?}" "${VERSION:?}" "${STARTED_AT:?}"
status="${1:?started, succeeded, failed, or cancelled}"
json() { printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g')"; }
finished=''
[ "$status" = started ] || finished=", \"finished_at\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\""
committed=''
[ -z "${COMMITTED_AT:-}" ] || committed=", \"committed_at\": $(json "$COMMITTED_AT")"
curl --fail-with-body --silent --show-error --max-time 10 --retry 3 --retry-connrefused --retry-max-time 60 \
  --header "Authorization: Bearer $FIREBREAK_TOKEN" --header 'Content-Type: application/json' \
  --data "{\"service\": $(json "$SERVICE"), \"environment\": $(json "$ENVIRONMENT"), \"version\": $(json "$VERSION"),
    \"status\": $(json "$status"), \"started_at\": $(json "$STARTED_AT")$finished$committed,
    \"commit\": $(json "${COMMIT:-}"), \"author\": $(json "${AUTHOR:-}"), \"url\": $(json "${URL:-}")}" \
  "$FIREBREAK_URL/v1/deployments" || echo "the deployment is not recorded as $status" >&2
