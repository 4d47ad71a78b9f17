#!/usr/bin/env bash
# Checks whether this deployment is allowed. Exits with 0 only if the answer is an unambiguous yes. Settings are the
# environment variables in action.yml. Requires curl and jq, and Node 20 with `keys`: GitHub's runners have them.
set -euo pipefail

: "${WAIT_MINUTES:=0}" "${ON_OUTAGE:=deny}" "${STRICT:=false}" "${AUDIENCE:=firebreak}"
: "${VERSION:=}" "${COMMIT:=}" "${DEPLOYMENT_ID:=}" "${CHANGE:=}" "${STATE:=}" "${KEYS:=}"

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
answer="$work/answer"

set_output() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr -d '\r\n')" >>"${GITHUB_OUTPUT:-/dev/null}"; }

# Prints a workflow command of the runner, with its text escaped.
command_line() {
  local text="$2"
  text="${text//'%'/%25}"
  text="${text//$'\r'/%0D}"
  text="${text//$'\n'/%0A}"
  printf '::%s::%s\n' "$1" "${text//[[:cntrl:]]/ }"
}

fail() {
  set_output allowed false
  command_line error "$1"
  exit 1
}

one_of() {
  local name="$1" value="$2" each
  shift 2
  for each in "$@"; do [ "$value" != "$each" ] || return 0; done
  fail "$name is \"$value\"; use one of: $*"
}

check_settings() {
  local name
  for name in FIREBREAK_URL FIREBREAK_TOKEN SERVICE ENVIRONMENT; do
    [ -n "${!name:-}" ] || fail "$name is empty: the action's inputs url, token, service and environment are required"
  done
  case "$FIREBREAK_URL" in
    http://?* | https://?*) ;;
    *) fail "url is \"$FIREBREAK_URL\"; use an address such as https://firebreak.example.com" ;;
  esac
  FIREBREAK_URL="${FIREBREAK_URL%"${FIREBREAK_URL##*[!/]}"}"
  [[ "$WAIT_MINUTES" =~ ^[0-9]{1,4}$ ]] || fail "wait-minutes is \"$WAIT_MINUTES\"; use a whole number from 0 to 9999"
  one_of strict "$STRICT" true false
  one_of on-outage "$ON_OUTAGE" allow deny
  [ -z "$CHANGE" ] || one_of change "$CHANGE" deploy hotfix rollback security flag
  [ -n "$KEYS" ] || [ -z "$STATE" ] ||
    fail 'state is set and keys is not: without trusted keys, write access to the file would be enough to forge an answer'
  [ -n "$STATE" ] || [ -z "$KEYS" ] || fail 'keys is set and state is not: set state to the file for the last signed answers'
  [ -z "$KEYS" ] || check_keys
}

check_keys() {
  local problem
  command -v node >/dev/null || fail 'keys requires Node, which is not on this runner: add actions/setup-node before this step'
  problem="$(KEYS="$KEYS" offline keys 2>&1)" || fail "keys: $problem"
}

offline() { node "$here/outage.mjs" "$@"; }

# Prints the job's identity token, for kinds of change that policy exempts. Empty without `id-token: write`.
identity_token() {
  [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] || return 0
  curl --fail --silent --show-error --max-time 10 --retry 3 --retry-max-time 60 --get "$ACTIONS_ID_TOKEN_REQUEST_URL" \
    --header @<(printf 'Authorization: bearer %s' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN") \
    --data-urlencode "audience=$AUDIENCE" |
    jq --exit-status --raw-output '.value'
}

# Prints the status of the response, 000 if it is missing or incomplete. Secrets are not passed as arguments, because all
# processes of the machine can read those.
ask() {
  local status identity=''
  : >"$answer"
  case "$CHANGE" in
    hotfix | security | flag)
      identity="$(identity_token)" || echo 'Cannot get an identity token from the runner; continuing without one' >&2
      ;;
  esac
  status="$(curl --silent --show-error --max-time 10 --retry 3 --retry-connrefused --retry-max-time 60 \
    --output "$answer" --write-out '%{http_code}' \
    --request POST --get "$FIREBREAK_URL/v1/freeze-check/gate" \
    --header @<(printf 'Authorization: Bearer %s\n%s\n' "$FIREBREAK_TOKEN" "${identity:+X-Identity-Token: $identity}") \
    --data-urlencode "service=$SERVICE" --data-urlencode "environment=$ENVIRONMENT" \
    --data-urlencode "version=$VERSION" --data-urlencode "commit=$COMMIT" \
    --data-urlencode "deployment_id=$DEPLOYMENT_ID" --data-urlencode "change=$CHANGE")" || status=000
  printf '%s' "$status"
}

field() { jq --raw-output "$1 // \"\"" "$answer"; }

# False for invalid JSON and for an empty file, which jq --exit-status would accept.
is() { [ "$(jq --raw-output "$1" "$answer" 2>/dev/null)" = true ]; }

# Replaces control characters and bidirectional controls with spaces, because terminals also show logs.
readonly AS_PLAIN_TEXT='tostring | gsub("[\\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"; " ")'

# The texts of the reasons, each followed by the rest.
readonly REASONS='.reasons[] | .text, ((.more // [])[] | "  " + .)'

# Prints untrusted text as list items, so that the runner does not interpret it as workflow commands.
lines() { jq --raw-output "($1) | $AS_PLAIN_TEXT" "$answer" | sed -e "s/^/- /" -e "s/##\[/# #[/g"; }

# Stores the signed answer for outages. A failure is a warning: it does not block the deployment.
keep() {
  [ -n "$KEYS" ] || return 0
  local problem
  if ! problem="$(
    { curl --fail --silent --show-error --max-time 10 --output "$work/jwks" "$FIREBREAK_URL/.well-known/jwks.json" &&
      offline keep "$answer" "$work/jwks"; } 2>&1
  )"; then
    command_line warning "Cannot store the signed answer for outages: $problem"
  fi
}

told() {
  set_output allowed "$1"
  set_output outage false
  set_output verdict "$(field .verdict)"
  set_output decision-id "$(field .decision_id)"
  local token
  token="$(field .token)"
  if [ -n "$token" ]; then
    echo "::add-mask::$token"
    set_output freeze-token "$token"
  fi
}

# Exits with 0 if the deployment is allowed without an answer; otherwise sets `refusal` to the reason.
without_firebreak() {
  local decision allowed because
  if [ -n "$KEYS" ]; then
    decision="$(offline decide)" || fail 'Firebreak could not be reached, and its last signed answer could not be evaluated'
  else
    decision="$(jq --null-input --arg is "$ON_OUTAGE" '{allowed: ($is == "allow"), because: "on-outage is \($is)"}')"
  fi
  allowed="$(jq --raw-output '.allowed == true' <<<"$decision")"
  because="Firebreak could not be reached ($1): $(jq --raw-output '.because' <<<"$decision")"
  set_output verdict outage
  set_output outage true
  if [ "$allowed" = true ]; then
    set_output allowed true
    command_line warning "$because. Deploying $SERVICE to $ENVIRONMENT is allowed without an answer"
    exit 0
  fi
  refusal="$because. Deploying $SERVICE to $ENVIRONMENT is not allowed"
}

check_settings
export FIREBREAK_URL SERVICE ENVIRONMENT VERSION COMMIT CHANGE ON_OUTAGE STATE KEYS
end=$((SECONDS + 10#$WAIT_MINUTES * 60))
while true; do
  status="$(ask)"
  case "$status" in
    200)
      is '.allowed == true' || fail "The server at $FIREBREAK_URL does not seem to be Firebreak: status 200 without allowed: true"
      keep
      if [ "$STRICT" = true ] && is 'any(.reasons[].code; . == "unknown_service" or . == "unknown_environment")'; then
        told false
        lines "$REASONS"
        fail "$SERVICE in $ENVIRONMENT is unknown, and strict is true ($(field .decision_id))"
      fi
      told true
      command_line notice "Deploying $SERVICE to $ENVIRONMENT is allowed ($(field .decision_id))"
      lines "$REASONS"
      exit 0
      ;;
    423)
      is '.allowed == false' || fail "The server at $FIREBREAK_URL does not seem to be Firebreak: status 423 without allowed: false"
      keep
      told false
      lines "$REASONS"
      lines '"Clears \(.clears_when // "at an unknown time")"'
      refusal="$SERVICE is frozen in $ENVIRONMENT ($(field .decision_id))"
      ;;
    000) without_firebreak 'no response' ;;
    408 | 429 | 5??) without_firebreak "status $status" ;;
    *)
      lines '.detail // .' 2>/dev/null || true
      fail "Firebreak refused the request (status $status)"
      ;;
  esac
  [ "$SECONDS" -lt "$end" ] || fail "$refusal"
  echo "$refusal; checking again in 30 seconds" | tr '\r\n' '  '
  echo
  sleep 30
done
