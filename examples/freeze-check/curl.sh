#!/bin/sh
# Before a deployment: ends with 0 when it is allowed; with 1 when it is not, or when nobody can tell.
#   FIREBREAK_URL, FIREBREAK_TOKEN (a token that may do freezes:check)
#   SERVICE, ENVIRONMENT, VERSION   as they are recorded with POST /v1/deployments
#   DEPLOYMENT_ID                   the same in each retry of this deployment: an override is used once for it
set -eu
: "${FIREBREAK_URL:?}" "${FIREBREAK_TOKEN:?}" "${SERVICE:?}" "${ENVIRONMENT:?}" "${VERSION:?}" "${DEPLOYMENT_ID:?}"
answer="$(mktemp)"
trap 'rm -f "$answer"' EXIT
# Its first line makes sure that it was Firebreak that said yes, and no page of a proxy or a login.
if curl --fail-with-body --silent --show-error --max-time 10 --retry 3 --retry-connrefused \
  --retry-max-time 60 --output "$answer" \
  --request POST --get "$FIREBREAK_URL/v1/freeze-check/gate" \
  --header "Authorization: Bearer $FIREBREAK_TOKEN" --header 'Accept: text/plain' \
  --data-urlencode "service=$SERVICE" --data-urlencode "environment=$ENVIRONMENT" \
  --data-urlencode "version=$VERSION" --data-urlencode "deployment_id=$DEPLOYMENT_ID" &&
  head -n 1 "$answer" | grep -q '^allowed: '
then cat "$answer"; else cat "$answer"; exit 1; fi
