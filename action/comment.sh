# shellcheck shell=bash
# `comment`: posts what the plan of a fork's pull request said. It runs in this repository with a token that can write, so
# everything in the artifact is a stranger's: which pull request is asked of GitHub, and the text is kept harmless.

comment_command() {
  local source=${INPUT_ARTIFACT:-} part number sha marker
  [ "${GITHUB_EVENT_NAME:-}" = workflow_run ] || refuse '`comment` belongs into a workflow that is started by `workflow_run`'
  [ -n "$source" ] || refuse 'give `artifact`, the folder into which the artifact was downloaded'
  [ -n "$token" ] || refuse '`comment` needs a `github-token`'
  sha=$(jq -r '.workflow_run | select(.event == "pull_request") | .head_sha // empty | strings' "$GITHUB_EVENT_PATH")
  case $sha in '' | *[!0-9a-f]*) refuse 'the run that ended was not one of a pull request' ;; esac

  for part in pull-request.json summary.md; do
    # A link could lead to a file of this runner.
    if [ -L "$source/$part" ] || [ ! -f "$source/$part" ]; then
      warning "the artifact has no \`$part\`; nothing is posted"
      output exit-code 0
      return 0
    fi
  done
  number=$(head -c 2000 "$source/pull-request.json" | jq -r '.number | tostring' 2>/dev/null) || number=''
  case $number in
    '' | *[!0-9]* | ??????????*) skip 'the artifact names no pull request'; return 0 ;;
  esac

  if ! api GET "/repos/$GITHUB_REPOSITORY/pulls/$number"; then
    skip "pull request $number could not be looked up. $(api_trouble)"
    return 0
  fi
  # Only the pull request whose newest commit that run was for. A number alone could be anybody's.
  if ! jq -e --arg sha "$sha" --slurpfile event "$GITHUB_EVENT_PATH" '
    .head.sha == $sha and .head.repo.full_name == $event[0].workflow_run.head_repository.full_name' \
    "$scratch/answer" >/dev/null; then
    skip "pull request $number is not at the commit that the run was for: it has moved on, or the artifact names another's"
    return 0
  fi

  marker=$(comment_marker)
  head -c 100000 "$source/summary.md" | jq -Rjs -L "$here" 'include "markdown"; cut(60000) | stranger | tidy + "\n"' >"$scratch/stranger.md"
  {
    printf '> From a fork, planned for %s without secrets, spending nothing. The text below was written by that run: take it as a claim of the pull request.\n\n' "${sha:0:7}"
    cat "$scratch/stranger.md"
  } >"$summary"
  show_summary "$summary"
  { printf '%s\n' "$marker" && cat "$summary"; } >"$scratch/comment.md"
  output exit-code 0
  upsert_comment "$number" "$marker" "$scratch/comment.md" || warning "the pull request could not be commented on. $(api_trouble)"
}

skip() {
  warning "$1; nothing is posted"
  output exit-code 0
}
