# shellcheck shell=bash
# GitHub's API: one comment of a pull request, made or brought up to date.

# Calls the API; the answer is in $scratch/answer, its status in $status. What may pass is tried again, save a POST of
# which nobody knows whether it was done.
api() {
  local method=$1 path=$2 body=${3:-} try wait data=()
  [ -z "$body" ] || data=(--header 'Content-Type: application/json' --data-binary "@$body")
  for try in 1 2 3 4; do
    : >"$scratch/headers"
    : >"$scratch/answer"
    # The token goes through standard input: arguments can be read by every process of the machine.
    status=$(printf 'Authorization: Bearer %s\n' "$token" | curl --silent --show-error --connect-timeout 10 --max-time 60 \
      --request "$method" --header @- --header 'Accept: application/vnd.github+json' \
      --header 'X-GitHub-Api-Version: 2022-11-28' --header 'User-Agent: storyreel-action' \
      ${data[@]+"${data[@]}"} \
      --dump-header "$scratch/headers" --output "$scratch/answer" --write-out '%{http_code}' \
      "${GITHUB_API_URL:-https://api.github.com}$path" 2>"$scratch/curl.txt") || status=000
    case $status in
      2??) return 0 ;;
      429) ;;
      # A refusal for good, unless it says that the limit of calls is reached.
      403) [ -n "$(header retry-after)" ] || [ "$(header x-ratelimit-remaining)" = 0 ] || return 1 ;;
      000 | 5??) [ "$method" != POST ] || return 1 ;;
      *) return 1 ;;
    esac
    [ "$try" -lt 4 ] || return 1
    wait=$(header retry-after)
    case $wait in '' | *[!0-9]*) wait=$((${STORYREEL_ACTION_PAUSE:-2} * try * try)) ;; esac
    # A job that waits costs money as well.
    [ "${#wait}" -le 2 ] && [ "$wait" -le 60 ] || return 1
    sleep "$wait"
  done
}

header() {
  tr -d '\r' <"$scratch/headers" | awk -v name="$1:" 'tolower($1) == name { value = $2 } END { print value }'
}

# What went wrong with the last call, in words. The argument is the permission that such a call needs.
api_trouble() {
  local permission=${1:-pull-requests: write}
  if [ "$status" = 000 ]; then
    printf 'GitHub did not answer: %s' "$(head -c 300 "$scratch/curl.txt")"
  else
    printf 'GitHub answered %s: %s' "$status" "$(jq -r '.message? // empty' "$scratch/answer" 2>/dev/null | head -c 300)"
    case $status in
      401 | 403 | 404) printf '. The job needs `permissions: %s`, which pull requests of Dependabot do not have' "$permission" ;;
    esac
  fi
}

# Finds our comment: one that begins with the marker and was written by this token's user, or by a bot. Anybody can write
# a marker, and nobody's words are to be overwritten. Sets $comment_id, empty when there is none.
find_comment() {
  local number=$1 marker=$2 page=1 login='' count id kind author
  comment_id=''
  while [ "$page" -le 100 ]; do
    api GET "/repos/$GITHUB_REPOSITORY/issues/$number/comments?per_page=100&page=$page" || return 1
    jq -r --arg marker "$marker" '.[] | select(.body // "" | startswith($marker))
      | "\(.id) \(.user.type // "-") \(.user.login // "-")"' "$scratch/answer" >"$scratch/found" || return 1
    count=$(jq 'length' "$scratch/answer")
    while read -r id kind author; do
      # A job's own token is a bot's and has no user to ask for.
      if [ "$kind" != Bot ] && [ -z "$login" ]; then
        login=-
        case $token in
          ghs_*) ;;
          *) if api GET /user; then login=$(jq -r '.login // "-"' "$scratch/answer"); fi ;;
        esac
      fi
      if [ "$kind" = Bot ] || { [ "$author" != - ] && [ "$author" = "$login" ]; }; then
        comment_id=$id
        return 0
      fi
    done <"$scratch/found"
    [ "$count" -ge 100 ] || return 0
    page=$((page + 1))
  done
}

# Posts a file as comment of a pull request, or puts it in the place of the one that is there. With `update` as the fourth
# word, a pull request without such a comment gets none.
upsert_comment() {
  local number=$1 marker=$2 file=$3 only=${4:-} round
  jq -n --rawfile body "$file" '{body: $body}' >"$scratch/body.json"
  for round in 1 2 3; do
    find_comment "$number" "$marker" || return 1
    if [ -n "$comment_id" ]; then
      if api PATCH "/repos/$GITHUB_REPOSITORY/issues/comments/$comment_id" "$scratch/body.json"; then
        printf 'updated the comment of pull request %s\n' "$number"
        return 0
      fi
      # Deleted meanwhile, or another bot's: then a new one.
      case $status in 403 | 404 | 410) ;; *) return 1 ;; esac
    elif [ "$only" = update ]; then
      printf 'nothing to say to pull request %s\n' "$number"
      return 0
    fi
    if api POST "/repos/$GITHUB_REPOSITORY/issues/$number/comments" "$scratch/body.json"; then
      printf 'commented on pull request %s\n' "$number"
      return 0
    fi
    # It may stand there all the same, so look again before the next try.
    case $status in 000 | 5??) ;; *) return 1 ;; esac
    [ "$round" -lt 3 ] || return 1
    sleep $((${STORYREEL_ACTION_PAUSE:-2} * round))
  done
}

# A hidden first line by which a comment is found again. It is made of the inputs, so that it stays the same whatever the
# storyboard says, and encoded, so that it cannot end early.
comment_marker() {
  local name=${folder%/}
  name=${name#./}
  if [ "$name" = . ]; then name=$storyboard; else name=$name/$storyboard; fi
  jq -nr --arg name "${name:-.}" --arg profile "$profile" '
    def word: @uri | gsub("%2F"; "/") | gsub("--"; "%2D%2D");
    "<!-- storyreel:plan \($name | word)\(if $profile == "" then "" else " profile=" + ($profile | word) end) -->"'
}
