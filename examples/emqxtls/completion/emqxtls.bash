# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# Completion for bash. Commands and options are those of --help, so they can't differ.

_emqxtls() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} help
  COMPREPLY=()
  case $before in
    --cert | --key | --cacert | --ca-file | --secret-file | --deployments | --resume | --quota-file | --output | -o)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    --receipt)
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return
      ;;
    --type)
      mapfile -t COMPREPLY < <(compgen -W 'one-way two-way' -- "$word")
      return
      ;;
  esac
  help=$("${COMP_WORDS[0]}" --help 2>/dev/null) || return
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(grep -oE '^ +(-[a-z], )?--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+')" -- "$word")
  elif ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$help")" -- "$word")
  fi
}
complete -o filenames -F _emqxtls emqxtls
