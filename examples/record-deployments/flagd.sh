#!/bin/sh
# Records the flags that two versions of a definition file of flagd serve differently, each as a change of kind `flag`.
# Needs curl and jq. In the pipeline of the repository with the file, after each push to the branch that flagd reads:
#
#   git show HEAD^:flags.json > /tmp/before.json || : > /tmp/before.json
#   STARTED_AT="$(git show -s --format=%cI HEAD)" flagd.sh /tmp/before.json flags.json
#
#   FIREBREAK_URL, FIREBREAK_TOKEN (a token with the permission deployments:write)
#   SERVICE, ENVIRONMENT, STARTED_AT; optional: AUTHOR, URL. A repetition with the same STARTED_AT changes nothing
set -eu
: "${FIREBREAK_URL:?}" "${FIREBREAK_TOKEN:?}" "${SERVICE:?}" "${ENVIRONMENT:?}" "${STARTED_AT:?}"
before="${1:?definition file before the change, can be empty}"
after="${2:?definition file after the change}"
changes="$(jq --null-input --compact-output --slurpfile old "$before" --slurpfile new "$after" \
  --arg service "$SERVICE" --arg environment "$ENVIRONMENT" --arg at "$STARTED_AT" \
  --arg author "${AUTHOR:-}" --arg url "${URL:-}" '
  def served: if . == null then null else del(.metadata) end;
  def words: if . == null then "deleted" elif .state == "DISABLED" then "off"
    elif .defaultVariant == null then "on" else "on: \(.defaultVariant)" end;
  ($old[0].flags // {}) as $was | ($new[0].flags // {}) as $is
  | [$was, $is | keys[]] | unique[]
  | select(($was[.] | served) != ($is[.] | served))
  | {$service, $environment, kind: "flag", version: "\(.) \($is[.] | words)", started_at: $at, $author, $url}')"
[ -n "$changes" ] || { echo 'no flag is served differently'; exit 0; }
printf '%s\n' "$changes" | while read -r change; do
  printf '%s' "$change" | curl --fail-with-body --silent --show-error --max-time 10 --retry 3 --retry-connrefused \
    --retry-max-time 60 --header "Authorization: Bearer $FIREBREAK_TOKEN" --header 'Content-Type: application/json' \
    --data @- "$FIREBREAK_URL/v1/deployments"
done
