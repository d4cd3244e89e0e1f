# shellcheck shell=bash
# What the log says. Words of strangers never become workflow commands.

# The message of a workflow command, on one line.
message() {
  local text=$1
  text=${text//'%'/%25}
  text=${text//$'\r'/%0D}
  printf '%s' "${text//$'\n'/%0A}"
}

notice() { printf '::notice title=storyreel::%s\n' "$(message "$1")"; }
warning() { printf '::warning title=storyreel::%s\n' "$(message "$1")"; }
error() { printf '::error title=storyreel::%s\n' "$(message "$1")"; }

# Ends the step before anything was begun.
refuse() {
  error "$1"
  output exit-code "${2:-2}"
  exit 1
}

# Runs a command whose output may hold anything: until the random word comes, the runner takes nothing as a command.
quietly() {
  local word status=0
  word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$word"
  "$@" 2>&1 || status=$?
  # On a line of its own, also where the output ended within one.
  printf '\n::%s::\n' "$word"
  return "$status"
}

# Runs a command and hands a cancelled job's signal on to it: the runner sends it to this script only.
attended() {
  local child status interrupted=''
  "$@" </dev/null &
  child=$!
  trap 'interrupted=1; kill -INT "$child" 2>/dev/null || true' INT TERM
  while :; do
    interrupted='' status=0
    wait "$child" || status=$?
    # A signal ends `wait` before the child has ended.
    [ -n "$interrupted" ] || break
  done
  trap - INT TERM
  return "$status"
}

output() {
  printf '%s=%s\n' "$1" "${2//[$'\r\n']/ }" >>"${GITHUB_OUTPUT:-/dev/null}"
}
