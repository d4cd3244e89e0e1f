# shellcheck shell=bash
# Pictures for a comment. GitHub's API attaches none, so the contact sheet becomes a commit of its own, without parents, that
# belongs to no branch: one hidden ref a pull request and storyboard, which each new sheet replaces.

# More than this nobody looks at, in bytes.
most_picture=10000000

# Puts a PNG file where a comment can show it; sets $picture to its address. Fails where it may not.
publish_picture() {
  local number=$1 file=$2 ref sha tree commit
  picture=''
  ref=refs/storyreel/pull-$number/$(comment_marker | digest)
  base64 <"$file" | tr -d '\n' >"$scratch/picture.txt"
  jq -n --rawfile content "$scratch/picture.txt" '{content: $content, encoding: "base64"}' >"$scratch/body.json"
  make_object blobs || return 1
  sha=$object
  jq -n --arg sha "$sha" '{tree: [{path: "sheet.png", mode: "100644", type: "blob", sha: $sha}]}' >"$scratch/body.json"
  make_object trees || return 1
  tree=$object
  jq -n --arg tree "$tree" --arg number "$number" \
    '{message: "Contact sheet of pull request \($number)", tree: $tree, parents: []}' >"$scratch/body.json"
  make_object commits || return 1
  commit=$object
  jq -n --arg sha "$commit" '{sha: $sha, force: true}' >"$scratch/body.json"
  if ! api PATCH "/repos/$GITHUB_REPOSITORY/git/$ref" "$scratch/body.json"; then
    # There is none yet; which of the two GitHub says depends on where it looked.
    case $status in 404 | 422) ;; *) return 1 ;; esac
    jq -n --arg ref "$ref" --arg sha "$commit" '{ref: $ref, sha: $sha}' >"$scratch/body.json"
    api POST "/repos/$GITHUB_REPOSITORY/git/refs" "$scratch/body.json" || return 1
  fi
  # By commit, so that it shows what this comment is about. This form also works in private repositories.
  picture="${GITHUB_SERVER_URL:-https://github.com}/$GITHUB_REPOSITORY/blob/$commit/sheet.png?raw=true"
}

# Makes an object of Git of $scratch/body.json; sets $object to its name.
make_object() {
  api POST "/repos/$GITHUB_REPOSITORY/git/$1" "$scratch/body.json" || return 1
  object=$(jq -r '.sha // empty | strings' "$scratch/answer")
  case $object in '' | *[!0-9a-f]*) return 1 ;; esac
}

# Some letters that stand for what comes in.
digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -c 1-12
}
