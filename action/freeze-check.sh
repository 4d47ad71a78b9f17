#!/usr/bin/env bash
# Asks Firebreak whether this deployment is allowed, and ends with 1 when it is not. Its settings are the environment
# variables of action.yml. Needs curl and jq, which GitHub's runners have.
set -euo pipefail

answer="$(mktemp)"
trap 'rm -f "$answer"' EXIT

# For kinds of change that policy lets pass; jobs without `id-token: write` have none.
identity_token() {
  [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] || return 0
  curl --fail --silent --show-error --max-time 10 --retry 3 --get "$ACTIONS_ID_TOKEN_REQUEST_URL" \
    --header "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" --data-urlencode "audience=$AUDIENCE" |
    jq --raw-output '.value // ""'
}

# Prints the status of the answer, 000 where there is none.
ask() {
  local identity=()
  if [ -n "$CHANGE" ] && [ "$CHANGE" != deploy ] && [ "$CHANGE" != rollback ]; then
    identity=(--header "X-Identity-Token: $(identity_token)")
  fi
  curl --silent --show-error --max-time 10 --retry 3 --retry-connrefused \
    --output "$answer" --write-out '%{http_code}' \
    --request POST --get "$FIREBREAK_URL/v1/freeze-check/gate" \
    --header "Authorization: Bearer $FIREBREAK_TOKEN" ${identity[@]+"${identity[@]}"} \
    --data-urlencode "service=$SERVICE" --data-urlencode "environment=$ENVIRONMENT" \
    --data-urlencode "version=$VERSION" --data-urlencode "commit=$COMMIT" \
    --data-urlencode "deployment_id=$DEPLOYMENT_ID" --data-urlencode "change=$CHANGE" || true
}

field() { jq --raw-output "$1 // \"\"" "$answer"; }

# What others have written must not be taken for a command of the runner, which are lines of their own.
lines() { jq --raw-output "$1" "$answer" | tr "\r" " " | sed -e "s/^/- /" -e "s/##\[/# #[/g"; }

set_output() { printf '%s=%s\n' "$1" "$2" >>"${GITHUB_OUTPUT:-/dev/null}"; }

told() {
  set_output allowed "$1"
  set_output verdict "$(field .verdict)"
  set_output decision-id "$(field .decision_id)"
  local token
  token="$(field .token)"
  if [ -n "$token" ]; then
    echo "::add-mask::$token"
    set_output freeze-token "$token"
  fi
}

outage() {
  set_output verdict outage
  if [ "$ON_OUTAGE" = allow ]; then
    set_output allowed true
    echo "::warning::Firebreak could not be reached ($1). It was not asked whether $SERVICE may be deployed; on-outage: allow"
    exit 0
  fi
  set_output allowed false
  echo "::error::Firebreak could not be reached ($1), so $SERVICE is not deployed; on-outage: deny"
  exit 1
}

end=$((SECONDS + WAIT_MINUTES * 60))
while true; do
  status="$(ask)"
  case "$status" in
    200)
      told true
      echo "$SERVICE may be deployed to $ENVIRONMENT ($(field .decision_id))"
      lines '.reasons[].text'
      exit 0
      ;;
    423)
      lines '.reasons[].text'
      lines '"It clears \(.clears_when // "some day")"'
      if [ "$SECONDS" -ge "$end" ]; then
        told false
        echo "::error::$SERVICE is frozen in $ENVIRONMENT ($(field .decision_id))"
        exit 1
      fi
      sleep 30
      ;;
    000 | 408 | 429 | 5??)
      outage "status $status"
      ;;
    *)
      set_output allowed false
      echo "::error::Firebreak refuses the question ($status)"
      lines '.detail // .'
      exit 1
      ;;
  esac
done
