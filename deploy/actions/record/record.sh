#!/usr/bin/env bash
# Records the start or the end of a deployment. Both are the same record, because they have the same start: the end also
# works if the start could not be recorded. Settings are the environment variables in action.yml. Requires curl and jq,
# which GitHub's runners have.
set -euo pipefail

: "${STATUS:=started}" "${STARTED_AT:=}" "${KIND:=deploy}" "${ON_ERROR:=warn}"
: "${COMMIT:=}" "${RUN_COMMIT:=}" "${HAS_MIGRATION:=}" "${ROLLBACK_SAFE_TO:=}" "${AUTHOR:=}" "${RUN_URL:=}"

answer="$(mktemp)"
trap 'rm -f "$answer"' EXIT

set_output() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr -d '\r\n')" >>"${GITHUB_OUTPUT:-/dev/null}"; }

# Prints a workflow command of the runner, with its text escaped.
command_line() {
  local text="$2"
  text="${text//'%'/%25}"
  text="${text//$'\r'/%0D}"
  text="${text//$'\n'/%0A}"
  printf '::%s::%s\n' "$1" "${text//[[:cntrl:]]/ }"
}

# Wrong settings are errors, whatever on-error says.
fail() {
  command_line error "$1"
  exit 1
}

not_recorded() {
  [ "$ON_ERROR" = warn ] || fail "$1"
  command_line warning "$1"
  exit 0
}

for name in FIREBREAK_URL FIREBREAK_TOKEN SERVICE ENVIRONMENT VERSION; do
  [ -n "${!name:-}" ] || fail "$name is empty: the action's inputs url, token, service, environment and version are required"
done
# The run of a rollback to another version has the newest commit of its branch, which is not that of the version.
[ "$VERSION" != "$RUN_COMMIT" ] || COMMIT="${COMMIT:-$RUN_COMMIT}"
case "$FIREBREAK_URL" in
  http://?* | https://?*) FIREBREAK_URL="${FIREBREAK_URL%"${FIREBREAK_URL##*[!/]}"}" ;;
  *) fail "url is \"$FIREBREAK_URL\"; use an address such as https://firebreak.example.com" ;;
esac
case "$ON_ERROR" in warn | fail) ;; *) fail "on-error is \"$ON_ERROR\"; use warn or fail" ;; esac
case "$HAS_MIGRATION" in '' | true | false) ;; *) fail "has-migration is \"$HAS_MIGRATION\"; use true or false" ;; esac
case "$STATUS" in
  started | succeeded | failed | cancelled) status="$STATUS" ;;
  success) status=succeeded ;;
  failure) status=failed ;;
  skipped) status=cancelled ;;
  *) fail "status is \"$STATUS\"; use started, success, failure, or cancelled" ;;
esac

now="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
started_at="${STARTED_AT:-$now}"
set_output started-at "$started_at"
committed_at="$(git show -s --format=%cI "$COMMIT" 2>/dev/null | tail -n 1 || true)"

body="$(
  jq --null-input --compact-output \
    --arg service "$SERVICE" --arg environment "$ENVIRONMENT" --arg version "$VERSION" --arg kind "$KIND" \
    --arg status "$status" --arg started_at "$started_at" --arg now "$now" --arg commit "$COMMIT" \
    --arg committed_at "$committed_at" --arg author "$AUTHOR" --arg url "$RUN_URL" \
    --arg has_migration "$HAS_MIGRATION" --arg rollback_safe_to "$ROLLBACK_SAFE_TO" '
    {$service, $environment, $version, $kind, $status, $started_at}
    + if $status == "started" then {} else {finished_at: $now} end
    + ({$commit, $committed_at, $author, $url, $rollback_safe_to} | with_entries(select(.value != "")))
    + if $has_migration == "" then {} else {has_migration: ($has_migration == "true")} end'
)"

# The token is not passed as an argument, because all processes of the machine can read those.
code="$(
  curl --silent --show-error --max-time 10 --retry 3 --retry-connrefused --retry-max-time 60 \
    --output "$answer" --write-out '%{http_code}' --header 'Content-Type: application/json' \
    --header @<(printf 'Authorization: Bearer %s' "$FIREBREAK_TOKEN") \
    --data-binary "$body" "$FIREBREAK_URL/v1/deployments"
)" || not_recorded "Firebreak did not answer at $FIREBREAK_URL; the deployment is not recorded as $status"

id="$(jq --raw-output '.id? // empty | strings | select(startswith("chg_"))' "$answer" 2>/dev/null || true)"
case "$code" in
  200 | 201)
    [ -n "$id" ] || not_recorded "the answer is not from Firebreak; the deployment is not recorded as $status"
    ;;
  *)
    detail="$(jq --raw-output '.detail? // empty | strings' "$answer" 2>/dev/null || true)"
    not_recorded "Firebreak answered $code; the deployment is not recorded as $status. ${detail:-}"
    ;;
esac
set_output id "$id"
printf '%s of %s to %s is recorded as %s: %s\n' "$VERSION" "$SERVICE" "$ENVIRONMENT" "$status" "$id"
while IFS= read -r warning; do [ -z "$warning" ] || command_line warning "$warning"; done \
  < <(jq --raw-output '.warnings[]?' "$answer" 2>/dev/null || true)
