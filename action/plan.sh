# shellcheck shell=bash
# `plan`: checks the storyboard, plans, draws the animatic, and tells the pull request. Spends nothing and needs no key.

# More scenes than this are not drawn: an animatic takes some seconds a scene.
most_previews=40

plan_command() {
  local checked=0 planned=0 ids='' count=0
  # A plan pays for nothing by itself. This holds whatever `arguments` says.
  export STORYREEL_NO_SPEND=1
  unset KIE_API_KEY

  "$storyreel" check --color never --format github ${file[@]+"${file[@]}"} ${profiled[@]+"${profiled[@]}"} \
    >"$scratch/check.txt" 2>"$scratch/check-errors.txt" || checked=$?
  annotate
  [ ! -s "$scratch/check-errors.txt" ] || quietly cat "$scratch/check-errors.txt"
  "$storyreel" check --color never --format json ${file[@]+"${file[@]}"} ${profiled[@]+"${profiled[@]}"} \
    >"$scratch/problems.json" 2>/dev/null || true
  "$storyreel" plan --color never --json --summary "$scratch/plan.md" ${file[@]+"${file[@]}"} \
    ${arguments[@]+"${arguments[@]}"} >"$artifact/plan.json" 2>"$scratch/plan-errors.txt" || planned=$?
  # `--detailed-exitcode` may stand among the arguments: paid work is no failure of a plan.
  [ "$planned" -ne 7 ] || planned=0
  [ "$planned" -ne 0 ] || jq -e '.scenes and .summary' "$artifact/plan.json" >/dev/null 2>&1 || planned=3

  if [ "$planned" -eq 0 ]; then
    output_plan "$artifact/plan.json"
    ids=$(jq -r --argjson most "$most_previews" '[.scenes[] | select(.action == "create" or .action == "update")
      | .scene_id | tostring | select(contains(",") | not)] | .[:$most] | join(",")' "$artifact/plan.json")
    [ "${INPUT_PREVIEWS:-true}" != true ] || [ -z "$ids" ] || draw_previews "$ids"
  fi
  show_sheet
  # The first problem decides, as it stands first in the report.
  [ "$checked" -ne 0 ] || checked=$planned
  output exit-code "$checked"

  write_summary "$planned"
  quietly cat "$summary" "$scratch/plan-errors.txt"
  show_summary "$summary"
  # For a `comment` that runs later and elsewhere. It believes none of it without asking GitHub.
  if [ -n "$pull_number" ]; then
    jq -n --argjson number "$pull_number" --arg sha "$head_sha" '{number: $number, head_sha: $sha}' \
      >"$artifact/pull-request.json"
  fi
  tell_pull_request "$planned"

  if [ "$checked" -ne 0 ]; then
    count=$(jq '[.problems[]? | select(.severity == "error")] | length' "$scratch/problems.json" 2>/dev/null) || count=0
    if [ "${count:-0}" = 1 ]; then
      error "the storyboard has an error; it stands beside its line and on the job's page"
    elif [ "${count:-0}" -gt 0 ]; then
      error "the storyboard has $count errors; they stand beside their lines and on the job's page"
    else
      error "storyreel could not plan (exit code $checked); the job's page says why"
    fi
    return 1
  fi
}

# Prints what `check` found as annotations, and nothing else that it printed. Its paths are relative to the folder it ran
# in, GitHub's to the repository.
annotate() {
  local line kind rest prefix='' workspace
  workspace=$(cd "${GITHUB_WORKSPACE:-.}" && pwd -P)
  case $(pwd -P) in
    "$workspace"/*)
      prefix=$(pwd -P)
      prefix=$(message "${prefix#"$workspace"/}/")
      prefix=${prefix//:/%3A}
      prefix=${prefix//,/%2C}
      ;;
  esac
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      '::error file='*) kind=error ;;
      '::warning file='*) kind=warning ;;
      *) continue ;;
    esac
    rest=${line#"::$kind file="}
    case $rest in
      "$workspace"/*) rest=${rest#"$workspace"/} ;;
      /* | [A-Za-z]%3A*) ;;
      *) rest=$prefix$rest ;;
    esac
    printf '::%s file=%s\n' "$kind" "$rest"
  done <"$scratch/check.txt"
}

# The animatic of these scenes, and its contact sheet where this storyreel can make one. Nice to have: a plan without
# them is still a plan.
draw_previews() {
  local ids=$1 clip
  if ! "$storyreel" render --color never --preview --only "$ids" ${file[@]+"${file[@]}"} ${profiled[@]+"${profiled[@]}"} \
    >"$scratch/previews.txt" 2>"$scratch/preview-errors.txt"; then
    quietly cat "$scratch/preview-errors.txt"
    warning 'the animatic could not be drawn; the plan stands without it'
    return 0
  fi
  mkdir -p "$artifact/previews"
  while IFS= read -r clip; do
    [ ! -f "$clip" ] || cp -- "$clip" "$artifact/previews/" || true
  done <"$scratch/previews.txt"
  "$storyreel" sheet --help >/dev/null 2>&1 || return 0
  if ! quietly "$storyreel" sheet --color never ${file[@]+"${file[@]}"} ${profiled[@]+"${profiled[@]}"} \
    --preview -o "$artifact/sheet.png" -- "$ids"; then
    warning 'the contact sheet could not be drawn; the plan stands without it'
  fi
}

# Puts the contact sheet where the comment can show it. Sets $picture, empty where there is none to show.
show_sheet() {
  picture=''
  [ "${INPUT_PICTURES:-false}" = true ] && [ -s "$artifact/sheet.png" ] || return 0
  case ${GITHUB_EVENT_NAME:-} in pull_request | pull_request_target) ;; *) return 0 ;; esac
  # A fork's token can only read, and its pictures are not ours to keep.
  [ "$from_fork" != true ] && [ -n "$pull_number" ] && [ -n "$token" ] || return 0
  if [ "$(wc -c <"$artifact/sheet.png")" -gt "$most_picture" ]; then
    notice 'the contact sheet is too large to be shown; it is among the artifacts'
    return 0
  fi
  publish_picture "$pull_number" "$artifact/sheet.png" \
    || warning "the contact sheet is among the artifacts and cannot be shown. $(api_trouble 'contents: write')"
}

# summary.md: the plan, or why there is none, then what `check` found.
write_summary() {
  local planned=$1 shown
  {
    if [ "$planned" -eq 0 ]; then
      cat "$scratch/plan.md"
    else
      jq -Rrn -L "$here" --arg name "${storyboard:-storyboard}" 'include "markdown"; "### \($name | escaped(200))\n"'
      # The list of problems says it better.
      jq -e '(.problems // []) | map(select(.severity == "error")) | length > 0' "$scratch/problems.json" >/dev/null 2>&1 \
        || no_plan
    fi
    if [ "$planned" -eq 0 ] && [ -n "$cap" ]; then
      jq -r --arg cap "$cap" '.summary.credits as $credits | select($credits > ($cap | tonumber))
        | "\n> **\($credits) credits are more than the \($cap) that a run may spend.** What does not fit is not started.\n"' \
        "$artifact/plan.json"
    fi
    printf '\n'
    jq -r -L "$here" 'include "markdown"; select(.problems) | problems' "$scratch/problems.json" 2>/dev/null || true
    shown=$(find "$artifact" -name '*.mp4' | wc -l | tr -d ' ')
    if [ "$shown" -gt 0 ]; then
      printf 'Animatic: %s drawn' "$shown"
      [ ! -s "$artifact/sheet.png" ] || printf ', with a contact sheet'
      printf '.\n'
    fi
  } >"$scratch/summary.md"
  jq -Rjs -L "$here" 'include "markdown"; cut(60000) | tidy + "\n"' "$scratch/summary.md" >"$summary"
  [ -z "$picture" ] || printf '\n![Contact sheet of the animatic](%s)\n' "$picture" >>"$summary"
}

# Why there is no plan: the error that `plan --json` printed, else the first line that went to standard error.
no_plan() {
  jq -r -L "$here" 'include "markdown"; select(.event == "error")
    | "> **\(.code | escaped(60))**: \(.message | escaped(1000))\(if .hint then " (\(.hint | escaped(400)))" else "" end)"' \
    "$artifact/plan.json" 2>/dev/null >"$scratch/no-plan.md" || true
  if [ ! -s "$scratch/no-plan.md" ]; then
    jq -Rrs -L "$here" 'include "markdown"; split("\n") | map(select(. != ""))
      | "> storyreel could not plan: \(.[0] // "it said nothing" | escaped(1000))"' "$scratch/plan-errors.txt" >"$scratch/no-plan.md"
  fi
  cat "$scratch/no-plan.md"
}

# Keeps one comment of the pull request up to date. That it cannot is no failure of the plan.
tell_pull_request() {
  local planned=$1 marker idle=''
  case ${GITHUB_EVENT_NAME:-} in pull_request | pull_request_target) ;; *) return 0 ;; esac
  [ "${INPUT_COMMENT:-true}" = true ] && [ -n "$pull_number" ] || return 0
  if [ "$from_fork" = true ]; then
    # Its token can only read. The artifact carries the report to a workflow of this repository.
    notice "this pull request comes from a fork, whose runs cannot comment. Upload \`artifact-dir\` and let a \`workflow_run\` workflow with \`command: comment\` post it; the report is on the job's page"
    return 0
  fi
  if [ -z "$token" ]; then
    warning 'there is no `github-token`, so the pull request gets no comment'
    return 0
  fi
  marker=$(comment_marker)
  {
    printf '%s\n' "$marker"
    cat "$summary"
    printf '\n_Planned for %s. Nothing was rendered or spent. [The run and its artifacts](%s)_\n' "${head_sha:0:7}" \
      "${GITHUB_SERVER_URL:-https://github.com}/$GITHUB_REPOSITORY/actions/runs/${GITHUB_RUN_ID:-}"
  } >"$scratch/comment.md"
  # A pull request that leaves the film as it is needs no comment, unless an earlier commit of it had one.
  if [ "$planned" -eq 0 ] \
    && jq -e '.summary.create + .summary.update + .summary.move + .summary.resume + .summary.blocked == 0
      and all(.scenes[]; (.action != "restore" and .action != "absent") or all(.reasons[]; .code == "output-missing"))' \
      "$artifact/plan.json" >/dev/null \
    && jq -e '(.problems // []) == []' "$scratch/problems.json" >/dev/null 2>&1; then
    idle=update
  fi
  upsert_comment "$pull_number" "$marker" "$scratch/comment.md" "$idle" \
    || warning "the pull request could not be commented on. $(api_trouble). The report is on the job's page"
}
