# shellcheck shell=bash
# `render`: renders what changed, within the budget, and says what became of it also when it failed.

# Ends the step where a render must not begin.
may_render() {
  if [ "$from_fork" = true ]; then
    refuse 'what comes from a fork is not rendered: a stranger would decide what your credits are spent on. Merge it first'
  fi
  # `[budget]` of the project does not count: whoever edits the film can edit that as well.
  if [ -z "$cap" ] && [ -z "$capped_by_arguments" ] && [ "${INPUT_NO_CAP:-false}" != true ]; then
    refuse 'give `max-credits`, the most that a run may spend; `no-cap: true` renders without'
  fi
}

render_command() {
  local status=0 limits=()
  [ -z "$cap" ] || limits=(--max-credits "$cap")

  # What is ahead, for the outputs; a saved plan says so itself.
  if [ -n "$saved_plan" ]; then
    cp -- "$saved_plan" "$artifact/plan.json" 2>/dev/null || true
  else
    "$storyreel" plan --color never --json ${file[@]+"${file[@]}"} ${profiled[@]+"${profiled[@]}"} \
      ${selection[@]+"${selection[@]}"} >"$artifact/plan.json" 2>/dev/null || true
  fi
  if jq -e '.summary.create | numbers' "$artifact/plan.json" >/dev/null 2>&1; then output_plan "$artifact/plan.json"; fi

  quietly attended "$storyreel" render --color never ${file[@]+"${file[@]}"} ${limits[@]+"${limits[@]}"} \
    --summary "$scratch/run.md" --junit "$artifact/junit.xml" ${arguments[@]+"${arguments[@]}"} || status=$?

  output exit-code "$status"
  {
    if [ -s "$scratch/run.md" ]; then cat "$scratch/run.md"; else printf '### storyreel render\n'; fi
    [ "$status" -eq 0 ] || printf '\n> **Exit code %s.** %s\n' "$status" "$(meaning "$status")"
  } >"$summary"
  show_summary "$summary"

  case $status in
    0) ;;
    8) warning "$(meaning 8)" ;;
    *)
      error "storyreel render ended with exit code $status. $(meaning "$status")"
      return 1
      ;;
  esac
}

# What an exit code means and what to do about it.
meaning() {
  case $1 in
    1) printf 'The storyboard, configuration or saved plan is invalid or out of date; nothing was sent. Mend what the report names' ;;
    2) printf 'The command line is wrong; nothing was sent. Look at the inputs, above all `arguments`' ;;
    3) printf 'It could not work: the key was refused or is missing, the network or the shared cache cannot be reached, the disk is full, or another run holds the lock. The log says which; tasks that were sent are on record, so mend that and run again' ;;
    4) printf 'Some scenes failed, the others are done and kept. Passing faults are tried again by the next run; a scene that was refused needs an edit, or `--retake` in `arguments`' ;;
    5) printf 'The outcome of a submission is unknown: it may have been paid for, and is not repeated by itself. Look at the web page of the provider. With a shared cache decide on any machine with `storyreel adopt` or `storyreel forget`; without one run again with `--resubmit-unknown SCENE` in `arguments` if the task is not there' ;;
    6) printf 'Stopped by the budget, the credits of the account or the quota of the key. What was finished is kept: raise `max-credits`, and `[budget]` in the project, of which the smaller counts, or top up, and run again. Where `confirm_above` stopped it, a person has to approve the plan' ;;
    7) printf 'There is paid work to do, and `--locked` or STORYREEL_NO_SPEND forbids it' ;;
    8) printf 'Tasks are still running at the provider and on record. Run this workflow again to collect them; they are not paid for again' ;;
    130) printf 'The run was interrupted. Tasks are on record: run again to collect them' ;;
    134 | 137 | 139 | 143) printf 'The program was killed. What was on record before stays so: run again to go on' ;;
    *) printf 'This is no exit code of storyreel; the log says more' ;;
  esac
}
