# fish completion for tenon(1). Options come from `tenon help COMMAND`, so they are never stale.
function __tenon_commands
    tenon help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\)  *\(.*\)/\1\t\2/p'
end
function __tenon_options
    tenon help (commandline -opc)[2] 2>/dev/null |
        sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'
end
complete -c tenon -n __fish_use_subcommand -f -a '(__tenon_commands)'
complete -c tenon -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' \
    -f -a '(__tenon_options)'
