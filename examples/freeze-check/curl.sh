#!/bin/sh
# Before a deployment: ends with 0 when it is allowed; with something else when it is not, or when nobody can tell.
#   FIREBREAK_URL, FIREBREAK_TOKEN (a token that may do freezes:check)
#   SERVICE, ENVIRONMENT, VERSION   as they are recorded with POST /v1/deployments
#   DEPLOYMENT_ID                   the same in each retry of this deployment: an override is used once for it
set -eu
curl --fail-with-body --silent --show-error --max-time 10 --retry 3 --retry-connrefused \
  --request POST --get "$FIREBREAK_URL/v1/freeze-check/gate" \
  --header "Authorization: Bearer $FIREBREAK_TOKEN" --header 'Accept: text/plain' \
  --data-urlencode "service=$SERVICE" --data-urlencode "environment=$ENVIRONMENT" \
  --data-urlencode "version=$VERSION" --data-urlencode "deployment_id=$DEPLOYMENT_ID"
