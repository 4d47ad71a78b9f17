#!/bin/sh
# Run this before a deployment: exits with 0 if it is allowed, with 1 if it is not or if there is no answer.
#   FIREBREAK_URL, FIREBREAK_TOKEN (a token with the permission freezes:check)
#   SERVICE, ENVIRONMENT, VERSION   as they are recorded with POST /v1/deployments
#   DEPLOYMENT_ID                   the same in each retry, so that the deployment consumes an override only once
set -eu
: "${FIREBREAK_URL:?}" "${FIREBREAK_TOKEN:?}" "${SERVICE:?}" "${ENVIRONMENT:?}" "${VERSION:?}" "${DEPLOYMENT_ID:?}"
answer="$(mktemp)"
trap 'rm -f "$answer"' EXIT
# The first line proves that Firebreak answered, and not a proxy or a login page.
if curl --fail-with-body --silent --show-error --max-time 10 --retry 3 --retry-connrefused \
  --retry-max-time 60 --output "$answer" \
  --request POST --get "$FIREBREAK_URL/v1/freeze-check/gate" \
  --header "Authorization: Bearer $FIREBREAK_TOKEN" --header 'Accept: text/plain' \
  --data-urlencode "service=$SERVICE" --data-urlencode "environment=$ENVIRONMENT" \
  --data-urlencode "version=$VERSION" --data-urlencode "deployment_id=$DEPLOYMENT_ID" &&
  head -n 1 "$answer" | grep -q '^allowed: '
then cat "$answer"; else cat "$answer"; exit 1; fi
