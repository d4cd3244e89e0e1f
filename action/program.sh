#!/usr/bin/env bash
# Says whether storyreel must be built, where to, and under which key the built binary can be kept.
set -euo pipefail

keep=false root='' key=''
if [ "${INPUT_COMMAND:-plan}" != comment ] && [ -z "${INPUT_BINARY:-}" ] && ! command -v storyreel >/dev/null 2>&1; then
  cd "$GITHUB_ACTION_PATH"
  hash() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi; }
  # Everything that goes into the binary. `hashFiles()` sees the workspace only, and an action lies outside of it.
  digest=$(find Cargo.toml Cargo.lock build.rs src catalog assets -type f 2>/dev/null | LC_ALL=C sort \
    | while IFS= read -r file; do printf '%s\n' "$file"; cat -- "$file"; done | hash | cut -c 1-40)
  system="${RUNNER_OS:-any}-${RUNNER_ARCH:-any}"
  key="storyreel-program-$system-$digest"
  if [ "${INPUT_COMMAND:-plan}" = render ]; then
    # A folder that the runner empties before each job.
    root="$RUNNER_TEMP/storyreel-program"
  else
    root="${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/storyreel/$system-$digest"
    keep=true
  fi
fi
{
  printf 'keep=%s\n' "$keep"
  printf 'root=%s\n' "$root"
  printf 'key=%s\n' "$key"
} >>"$GITHUB_OUTPUT"
