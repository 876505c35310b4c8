#compdef pars-dag
autoload -U +X bashcompinit && bashcompinit
# bash completion of pars-dag
_pars_dag() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/heads') at='/heads' ;;
      '/ls') at='/ls' ;;
      '/log') at='/log' ;;
      '/cat') at='/cat' ;;
      '/add') at='/add' ;;
      '/check') at='/check' ;;
      '/export') at='/export' ;;
      '/import') at='/import' ;;
      '/draw') at='/draw' ;;
      '/bench') at='/bench' ;;
      '/bench/import') at='/bench/import' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='heads ls log cat add check export import draw bench completion --version --help' ;;
    '/heads') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/ls') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/log') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/cat') words='--passphrase-file -o --home --profile --json --timeout -v --help' ;;
    '/add') words='--passphrase-file --from --home --profile --json --timeout -v --help' ;;
    '/check') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/export') words='--passphrase-file -o --home --profile --json --timeout -v --help' ;;
    '/import') words='--passphrase-file --from --home --profile --json --timeout -v --help' ;;
    '/draw') words='--passphrase-file -o --home --profile --json --timeout -v --help' ;;
    '/bench') words='import --help' ;;
    '/bench/import') words='--vertices --size --dir --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_dag pars-dag
