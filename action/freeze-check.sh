#!/usr/bin/env bash
# Asks Firebreak whether this deployment is allowed, and ends with 0 only when the answer is a clear yes. Its settings are
# the environment variables of action.yml. Needs curl and jq, and with `keys` Node 20: GitHub's runners have them.
set -euo pipefail

: "${WAIT_MINUTES:=0}" "${ON_OUTAGE:=deny}" "${AUDIENCE:=firebreak}"
: "${VERSION:=}" "${COMMIT:=}" "${DEPLOYMENT_ID:=}" "${CHANGE:=}" "${STATE:=}" "${KEYS:=}"

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
answer="$work/answer"

set_output() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr -d '\r\n')" >>"${GITHUB_OUTPUT:-/dev/null}"; }

# Commands of the runner are lines; what is in them is escaped as the runner reads it.
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
  fail "$name is \"$value\"; it may be: $*"
}

check_settings() {
  local name
  for name in FIREBREAK_URL FIREBREAK_TOKEN SERVICE ENVIRONMENT; do
    [ -n "${!name:-}" ] || fail "$name is empty: the action's inputs url, token, service and environment are required"
  done
  case "$FIREBREAK_URL" in
    http://?* | https://?*) ;;
    *) fail "url is \"$FIREBREAK_URL\"; it looks like https://firebreak.example.com" ;;
  esac
  FIREBREAK_URL="${FIREBREAK_URL%"${FIREBREAK_URL##*[!/]}"}"
  [[ "$WAIT_MINUTES" =~ ^[0-9]{1,4}$ ]] || fail "wait-minutes is \"$WAIT_MINUTES\"; it is a whole number from 0 to 9999"
  one_of on-outage "$ON_OUTAGE" allow deny
  [ -z "$CHANGE" ] || one_of change "$CHANGE" deploy hotfix rollback security flag
  [ -n "$KEYS" ] || [ -z "$STATE" ] ||
    fail 'state is set and keys is not: without them anybody who can write the file could write an answer into it'
  [ -n "$STATE" ] || [ -z "$KEYS" ] || fail 'keys is set and state is not: name the file in which the last answer is kept'
  [ -z "$KEYS" ] || check_keys
}

check_keys() {
  local problem
  command -v node >/dev/null || fail 'keys is set, and there is no node on this runner: add actions/setup-node before'
  problem="$(KEYS="$KEYS" offline keys 2>&1)" || fail "keys: $problem"
}

offline() { node "$here/outage.mjs" "$@"; }

# For kinds of change that policy lets pass; jobs without `id-token: write` have none.
identity_token() {
  [ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] || return 0
  curl --fail --silent --show-error --max-time 10 --retry 3 --retry-max-time 60 --get "$ACTIONS_ID_TOKEN_REQUEST_URL" \
    --header @<(printf 'Authorization: bearer %s' "$ACTIONS_ID_TOKEN_REQUEST_TOKEN") \
    --data-urlencode "audience=$AUDIENCE" |
    jq --exit-status --raw-output '.value'
}

# Prints the status of the answer, 000 where there is none, or not all of it. Secrets are no arguments: those can be read
# by every process of the machine.
ask() {
  local status identity=''
  : >"$answer"
  case "$CHANGE" in
    hotfix | security | flag)
      identity="$(identity_token)" || echo 'The runner gives no identity token, so none is sent' >&2
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

# What is no JSON, or nothing at all, is not so: jq --exit-status finds nothing wrong with an empty file.
is() { [ "$(jq --raw-output "$1" "$answer" 2>/dev/null)" = true ]; }

# Control characters, and what changes the direction of text, become spaces: logs are shown by terminals, too.
readonly AS_PLAIN_TEXT='tostring | gsub("[\\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"; " ")'

# What others have written must not be taken for a command of the runner, which are lines of their own.
lines() { jq --raw-output "($1) | $AS_PLAIN_TEXT" "$answer" | sed -e "s/^/- /" -e "s/##\[/# #[/g"; }

# What it has said and signed, for the time in which nobody answers. That it cannot be kept stops no deployment.
keep() {
  [ -n "$KEYS" ] || return 0
  local problem
  if ! problem="$(
    { curl --fail --silent --show-error --max-time 10 --output "$work/jwks" "$FIREBREAK_URL/.well-known/jwks.json" &&
      offline keep "$answer" "$work/jwks"; } 2>&1
  )"; then
    command_line warning "What Firebreak said could not be kept for an outage: $problem"
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

# Ends the job where it is allowed without an answer; else says why it is not, and goes on.
without_firebreak() {
  local decision allowed because
  if [ -n "$KEYS" ]; then
    decision="$(offline decide)" || fail 'Firebreak could not be reached, and what it said last could not be looked at'
  else
    decision="$(jq --null-input --arg is "$ON_OUTAGE" '{allowed: ($is == "allow"), because: "on-outage: \($is)"}')"
  fi
  allowed="$(jq --raw-output '.allowed == true' <<<"$decision")"
  because="Firebreak could not be reached ($1): $(jq --raw-output '.because' <<<"$decision")"
  set_output verdict outage
  set_output outage true
  if [ "$allowed" = true ]; then
    set_output allowed true
    command_line warning "$because. So $SERVICE may be deployed to $ENVIRONMENT without its answer"
    exit 0
  fi
  refusal="$because. So $SERVICE is not deployed to $ENVIRONMENT"
}

check_settings
export FIREBREAK_URL SERVICE ENVIRONMENT VERSION COMMIT CHANGE ON_OUTAGE STATE KEYS
end=$((SECONDS + 10#$WAIT_MINUTES * 60))
while true; do
  status="$(ask)"
  case "$status" in
    200)
      is '.allowed == true' || fail "what answers at $FIREBREAK_URL is no Firebreak: 200 without a clear yes"
      keep
      told true
      command_line notice "$SERVICE may be deployed to $ENVIRONMENT ($(field .decision_id))"
      lines '.reasons[].text'
      exit 0
      ;;
    423)
      is '.allowed == false' || fail "what answers at $FIREBREAK_URL is no Firebreak: 423 without a clear no"
      keep
      told false
      lines '.reasons[].text'
      lines '"It clears \(.clears_when // "some day")"'
      refusal="$SERVICE is frozen in $ENVIRONMENT ($(field .decision_id))"
      ;;
    000) without_firebreak 'no answer' ;;
    408 | 429 | 5??) without_firebreak "status $status" ;;
    *)
      lines '.detail // .' 2>/dev/null || true
      fail "Firebreak refuses the question ($status)"
      ;;
  esac
  [ "$SECONDS" -lt "$end" ] || fail "$refusal"
  echo "$refusal; asking again in half a minute" | tr '\r\n' '  '
  echo
  sleep 30
done
