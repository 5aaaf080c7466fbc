# bash completion for tenon(1). Options come from `tenon help COMMAND`, so they are never stale.
_tenon() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} tenon=${COMP_WORDS[0]}
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 || ( $command == help && $COMP_CWORD -eq 2 ) ]]; then
        COMPREPLY=($(compgen -W "$("$tenon" help 2>/dev/null |
            sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p') --version --help" -- "$word"))
        return
    fi
    case $before in
    -d | --device | --a | --b)
        COMPREPLY=($(compgen -W "$("$tenon" devices 2>/dev/null | cut -d ' ' -f 1)" -- "$word"))
        return
        ;;
    --target)
        COMPREPLY=($(compgen -W "$("$tenon" devices --targets 2>/dev/null)" -- "$word"))
        return
        ;;
    --rounding | --numerics | --placement | --emit | --resize)
        COMPREPLY=($(compgen -W "$("$tenon" help "$command" 2>/dev/null |
            sed -n "s/^ *$before \([a-z0-9|-]*\).*/\1/p" | tr '|' ' ')" -- "$word"))
        return
        ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$("$tenon" help "$command" 2>/dev/null |
            sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p')" -- "$word"))
    fi
}
complete -o default -F _tenon tenon
