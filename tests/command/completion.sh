#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# completion.sh EMQXTLS FOLDER - what the completions offer are the commands and options of --help; zsh and fish where they are
# installed.
set -euo pipefail
emqxtls=$(realpath "$1") folder=$(realpath "$2")
export PATH=${emqxtls%/*}:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
help=$(emqxtls --help)
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help" | sort)
options=$(grep -E '^ +(-[a-z], )?--' <<<"$help" | grep -oE -- '--[a-z-]+' | sort -u)
[ "$(wc -w <<<"$commands")" -ge 10 ] && [ "$(wc -w <<<"$options")" -ge 20 ]

expect() { # WHAT IS WANTED
  [ "$2" = "$3" ] || { printf '%s:\n%s\nbut --help has\n%s\n' "$1" "$2" "$3"; exit 1; }
}

# shellcheck disable=SC1091
. "$folder/emqxtls.bash"
offered() { # WORD...: for the last of them
  COMP_WORDS=(emqxtls "$@") COMP_CWORD=$#
  _emqxtls
  printf '%s\n' "${COMPREPLY[@]}" | sort
}
expect "bash, commands" "$(offered '')" "$commands"
expect "bash, options" "$(offered ensure --)" "$options"
expect "bash, beginning of one" "$(offered ensure --dry)" --dry-run
expect "bash, types" "$(offered ensure --type one)" one-way
cd "$work"
touch chain.pem
expect "bash, files" "$(offered ensure --cert ch)" chain.pem

if command -v fish >/dev/null; then
  fish_offers() { fish --no-config -c "source '$folder/emqxtls.fish'; complete -C '$1'" | cut -f 1 | sort; }
  expect "fish, commands" "$(fish_offers 'emqxtls ')" "$commands"
  expect "fish, options" "$(fish_offers 'emqxtls ensure --')" "$options"
else
  echo "fish is not installed"
fi
if command -v zsh >/dev/null; then
  zsh -n "$folder/_emqxtls"
else
  echo "zsh is not installed"
fi
