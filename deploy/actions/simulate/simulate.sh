#!/usr/bin/env bash
# Compares the policy of a pull request with the policy in force, and writes the difference as a comment, the same one at
# each push. Settings are the environment variables in action.yml. Requires Node, curl, and jq, which GitHub's runners
# have.
set -euo pipefail

: "${CONFIG:=config}" "${RUNBOOKS:=runbooks}" "${SINCE:=90d}" "${FAIL_ON_DIFFERENCE:=false}"
: "${GITHUB_API_URL:=https://api.github.com}" "${GITHUB_TOKEN:=}" "${PULL_REQUEST:=}"
MARKER='<!-- firebreak-simulate -->'

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

fail() {
  local text="${1//'%'/%25}"
  text="${text//$'\r'/%0D}"
  printf '::error::%s\n' "${text//$'\n'/%0A}"
  exit 1
}

for name in FIREBREAK_URL FIREBREAK_TOKEN; do
  [ -n "${!name:-}" ] || fail "$name is empty: the action's inputs url and token are required"
done
case "$FAIL_ON_DIFFERENCE" in true | false) ;; *) fail "fail-on-difference is \"$FAIL_ON_DIFFERENCE\"; use true or false" ;; esac

code=0
node "$(dirname "${BASH_SOURCE[0]}")/../../../entrances/cli/bin.mjs" simulate --format markdown \
  --since "$SINCE" --config "$CONFIG" --runbooks "$RUNBOOKS" >"$work/report" 2>"$work/errors" || code=$?
# A difference and a failure have the same exit code; only a difference comes with a report.
[ -s "$work/report" ] || fail "$(cat "$work/errors")"

difference=false
[ "$code" -eq 0 ] || difference=true
printf 'difference=%s\n' "$difference" >>"${GITHUB_OUTPUT:-/dev/null}"
cat "$work/report" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

api() {
  curl --silent --show-error --fail --max-time 30 --config "$work/curl" -H 'accept: application/vnd.github+json' "$@"
}

if [ -n "$PULL_REQUEST" ] && [ -n "${GITHUB_REPOSITORY:-}" ]; then
  # The token must not appear in the list of processes.
  (umask 077 && printf 'header = "authorization: Bearer %s"\n' "$GITHUB_TOKEN" >"$work/curl")
  comments="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
  jq --raw-input --slurp --arg marker "$MARKER" '{body: ($marker + "\n" + .)}' <"$work/report" >"$work/body"
  earlier=''
  for page in 1 2 3 4 5; do
    found="$(api "$comments?per_page=100&page=$page")" || fail "cannot read the comments of pull request $PULL_REQUEST"
    earlier="$(jq --raw-output --arg marker "$MARKER" 'map(select(.body | startswith($marker))) | first | .url // empty' <<<"$found")"
    [ -z "$earlier" ] && [ "$(jq length <<<"$found")" -eq 100 ] || break
  done
  if [ -n "$earlier" ]; then
    api -X PATCH --data-binary "@$work/body" "$earlier" >/dev/null || fail 'cannot change the comment'
  else
    api -X POST --data-binary "@$work/body" "$comments" >/dev/null ||
      fail 'cannot write the comment: the job needs the permission pull-requests, write'
  fi
fi

[ "$difference" = false ] || [ "$FAIL_ON_DIFFERENCE" = false ] || fail "$(cat "$work/errors")"
