# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# Completion for fish. Commands and options are those of --help, so they can't differ.

function __emqxtls_commands
    emqxtls --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __emqxtls_options
    emqxtls --help 2>/dev/null | sed -nE 's/^ +(-[a-z], )?(--[a-z-]+)( [A-Z:]+)?( +(.*))?$/\2\t\5/p'
end

complete -c emqxtls -f
complete -c emqxtls -n __fish_is_first_token -a '(__emqxtls_commands)'
complete -c emqxtls -n 'string match -q -- "-*" (commandline -ct)' -a '(__emqxtls_options)'
for option in cert key cacert ca-file secret-file deployments resume quota-file output
    complete -c emqxtls -n "string match -q -- --$option (commandline -opc)[-1]" -F
end
complete -c emqxtls -n 'string match -q -- --receipt (commandline -opc)[-1]' -a '(__fish_complete_directories)'
complete -c emqxtls -n 'string match -q -- --type (commandline -opc)[-1]' -a 'one-way two-way'
