#compdef pars-evm
autoload -U +X bashcompinit && bashcompinit
# bash completion of pars-evm
_pars_evm() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='completion --version --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_evm pars-evm
