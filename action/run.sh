#!/usr/bin/env bash
# The action's only way in: reads inputs and the event from the environment, and does what `command` says.
# Needs bash 3.2 or later, curl and jq.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/log.sh"
. "$here/github.sh"
. "$here/pictures.sh"
. "$here/plan.sh"
. "$here/render.sh"
. "$here/comment.sh"

command=${INPUT_COMMAND:-plan}
storyboard=${INPUT_STORYBOARD:-}
folder=${INPUT_WORKING_DIRECTORY:-.}
cap=${INPUT_MAX_CREDITS:-}
# Out of the environment, so that no program started from here has it.
token=${INPUT_GITHUB_TOKEN:-}
unset INPUT_GITHUB_TOKEN

for tool in curl jq; do
  command -v "$tool" >/dev/null 2>&1 || refuse "this action needs \`$tool\`, which is not installed on this runner"
done

umask 077
scratch=$(mktemp -d "${RUNNER_TEMP:-/tmp}/storyreel-scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
artifact=$(mktemp -d "${RUNNER_TEMP:-/tmp}/storyreel-report.XXXXXX")
summary="$artifact/summary.md"
output artifact-dir "$artifact"
output summary "$summary"

# Of the event: the pull request's number, and whether the files come from a fork. A fork that was deleted has no name.
pull_number='' head_sha='' from_fork=false
if [ -s "${GITHUB_EVENT_PATH:-}" ]; then
  pull_number=$(jq -r '.pull_request.number? // empty | numbers' "$GITHUB_EVENT_PATH")
  head_sha=$(jq -r '.pull_request.head.sha? // empty | strings' "$GITHUB_EVENT_PATH")
  from_fork=$(jq -r '
    if .pull_request then .pull_request | .head.repo.full_name == null or .head.repo.full_name != .base.repo.full_name
    elif .workflow_run then .workflow_run.head_repository.full_name != .repository.full_name
    else false end' "$GITHUB_EVENT_PATH")
fi

# On white space and nothing else: no quotes, no wildcards, no variables.
arguments=()
read -r -d '' -a arguments <<<"${INPUT_ARGUMENTS:-}" || true

# What `plan` and `check` share with the run they are about.
selection=() profile='' capped_by_arguments='' saved_plan='' previous=''
for argument in ${arguments[@]+"${arguments[@]}"}; do
  case $previous in
    --only | --exclude | --retake | --rerender-absent | --through | --defer-to) selection+=("$previous" "$argument") ;;
    --profile) profile=$argument ;;
    --plan) saved_plan=$argument ;;
  esac
  case $argument in
    --only=* | --exclude=* | --retake=* | --rerender-absent=* | --through=* | --defer-to=*) selection+=("$argument") ;;
    --profile=*) profile=${argument#*=} ;;
    --plan=*) saved_plan=${argument#*=} ;;
    --max-credits | --max-credits=*) capped_by_arguments=true ;;
  esac
  previous=$argument
done
file=()
[ -z "$storyboard" ] || file=("--file=$storyboard")
if [ -n "$profile" ]; then profiled=(--profile "$profile"); else profiled=(); fi

case $cap in
  *[!0-9.]* | *.*.* | .* | *.) refuse "\`max-credits\` is \`$cap\`; write a number of credits" ;;
esac

# Sets $storyreel: what was named, else what is on PATH, else what is built from this action's own source.
find_program() {
  local root=${STORYREEL_ACTION_ROOT:-}
  storyreel=${INPUT_BINARY:-}
  if [ -n "$storyreel" ]; then
    case $storyreel in /* | [A-Za-z]:*) ;; *) storyreel="$PWD/$storyreel" ;; esac
    [ -x "$storyreel" ] || refuse "\`binary\` is \`$INPUT_BINARY\`, which is not a program that can be run"
    return 0
  fi
  if storyreel=$(command -v storyreel); then return 0; fi
  [ -n "$root" ] || root="${RUNNER_TEMP:-/tmp}/storyreel-program"
  storyreel="$root/bin/storyreel"
  [ ! -x "$storyreel" ] || return 0
  command -v cargo >/dev/null 2>&1 || refuse "there is no storyreel on PATH and no cargo to build it with: give \`binary\`, or install Rust"
  printf 'building storyreel from the source of this action; name a built one with "binary" to save the time\n'
  # There, because cargo also reads settings from the folder it is started in, and those here are a stranger's.
  (cd "$GITHUB_ACTION_PATH" && quietly env -u KIE_API_KEY cargo install --locked --path "$GITHUB_ACTION_PATH" --root "$root") \
    || refuse "storyreel could not be built; the log says why"
}

enter_folder() {
  cd -- "$folder" 2>/dev/null || refuse "there is no folder \`$folder\` in the workspace"
}

# Settles the shared cache. A fork's files could name any address as theirs, so for a fork there is none.
settle_cache() {
  if [ "$from_fork" = true ]; then
    export STORYREEL_CACHE=none
  elif [ -n "${INPUT_CACHE:-}" ]; then
    export STORYREEL_CACHE=$INPUT_CACHE
  fi
}

# What there is to do according to a plan's JSON, as outputs.
output_plan() {
  output credits "$(jq -r '.summary.credits // 0' "$1")"
  output paid-work "$(jq -r '.summary | .create + .update > 0 or .credits > 0' "$1")"
  # A clip that is recorded and only not here is nothing to do for a runner that needs no clips.
  output work "$(jq -r '.summary.create + .summary.update + .summary.move + .summary.resume > 0
    or any(.scenes[]; .action == "restore" and any(.reasons[]; .code != "output-missing"))' "$1")"
}

show_summary() {
  [ -z "${GITHUB_STEP_SUMMARY:-}" ] || { cat "$1" && printf '\n'; } >>"$GITHUB_STEP_SUMMARY"
}

case $command in
  plan | render)
    [ "$command" = plan ] || may_render
    find_program
    enter_folder
    settle_cache
    "$command"_command
    ;;
  comment) comment_command ;;
  *) refuse "\`command\` is \`$command\`; it is \`plan\`, \`render\` or \`comment\`" ;;
esac
