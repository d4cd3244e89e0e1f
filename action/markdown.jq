# Markdown that the action writes, and Markdown of strangers that it lets through.

def replaced($what; $with): split($what) | join($with);

# Without what steers a terminal or turns the direction of text.
def plain:
  [explode[]
    | select((. < 32 and . != 9 and . != 10) or (. >= 127 and . < 160)
        or (. >= 8203 and . <= 8207) or (. >= 8232 and . <= 8238) or (. >= 8294 and . <= 8297) or . == 65279 | not)]
  | implode;

# Text as words and nothing else, as storyreel's own Markdown has it.
def escaped($most):
  plain | .[:$most]
  | replaced("\n"; " ") | replaced("\\"; "\\\\")
  | replaced("&"; "&amp;") | replaced("#"; "&#35;") | replaced("<"; "&lt;") | replaced(">"; "&gt;")
  | replaced("@"; "&#64;") | replaced(":"; "&#58;")
  | reduce ("`", "*", "_", "[", "]", "|", "~", "!", "$") as $c (.; replaced($c; "\\" + $c));

# Closes the folded parts that are open at the end.
def closed:
  ((split("<details>") | length) - (split("</details>") | length)) as $open
  | if $open > 0 then . + ("\n\n</details>" * $open) + "\n" else . end;

# A comment holds 65,536 characters. What is left out is left out by whole lines.
def cut($most):
  if length <= $most then .
  else .[:$most] | split("\n") | (if length > 1 then .[:-1] else . end) | join("\n") + "\n\n(cut off here)\n"
  end
  | closed;

# With no more than one empty line in a row.
def tidy: reduce range(5) as $_ (.; replaced("\n\n\n"; "\n\n")) | rtrimstr("\n");

def counted($count; $word): "\($count) \($word)\(if $count == 1 then "" else "s" end)";

# A storyboard's problems, from `check --format json`.
def problems:
  .problems as $all
  | ($all | map(select(.severity == "error")) | length) as $errors
  | (($all | length) - $errors) as $warnings
  | [ (if $errors > 0 then counted($errors; "error") else empty end),
      (if $warnings > 0 then counted($warnings; "warning") else empty end) ] as $counts
  | if $counts == [] then empty else
      "| where | | what |\n|---|---|---|\n"
      + ($all | sort_by(.severity != "error") | .[:50] | map(
          "| \(.where.file | escaped(200)), line \(.where.line) | \(.severity) | \(.message | escaped(600))"
          + (if .hint then " (\(.hint | escaped(400)))" else "" end) + " |\n") | join(""))
      + (if ($all | length) > 50 then "\nand \(($all | length) - 50) more\n" else "" end)
      | if $errors > 0 then "**\($counts | join(", ")).** Nothing can be planned before the errors are mended.\n\n" + .
        else "<details><summary>\($counts | join(", "))</summary>\n\n" + . + "\n</details>\n" end
    end;

# Markdown that a fork's code may have written. What storyreel writes has no link, picture, fence, mention, number of an
# issue or tag but these; text with anything of that kind is shown as it is typed.
def stranger:
  plain
  | (replaced("\\\\"; " ")
      | reduce ("`", "*", "_", "[", "]", "|", "~", "!", "$") as $c (.; replaced("\\" + $c; " "))
      | reduce ("<details>", "</details>", "<summary>", "</summary>", "<del>", "</del>", "<ins>", "</ins>",
                "&#64;", "&#58;", "&#35;") as $known (.; replaced($known; " "))
      | ascii_downcase) as $rest
  | if $rest | test("[<`\\[\\]~$]|://|www\\.|#[0-9]|gh-[0-9]") then
      # No fence of its own can close this one.
      "```text\n" + (replaced("`"; "'") | replaced("@"; "@\u200b") | rtrimstr("\n")) + "\n```\n"
    else replaced("@"; "&#64;") | closed end;
