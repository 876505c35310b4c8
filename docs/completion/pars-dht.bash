# bash completion of pars-dht
_pars_dht() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/ping') at='/ping' ;;
      '/find-node') at='/find-node' ;;
      '/get') at='/get' ;;
      '/put') at='/put' ;;
      '/announce') at='/announce' ;;
      '/find-peers') at='/find-peers' ;;
      '/crawl') at='/crawl' ;;
      '/seed') at='/seed' ;;
      '/trace') at='/trace' ;;
      '/audit') at='/audit' ;;
      '/diff') at='/diff' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='ping find-node get put announce find-peers crawl seed trace audit diff completion --version --help' ;;
    '/ping') words='--home --profile --json --timeout -v --help' ;;
    '/find-node') words='--from --peer --home --profile --json --timeout -v --help' ;;
    '/get') words='--from --peer -o --home --profile --json --timeout -v --help' ;;
    '/put') words='--from --peer --home --profile --json --timeout -v --help' ;;
    '/announce') words='--passphrase-file --role --home --profile --json --timeout -v --help' ;;
    '/find-peers') words='--from --peer --passphrase-file --role --shards --home --profile --json --timeout -v --help' ;;
    '/crawl') words='--from --peer --resume --neighbours --limit --workers --home --profile --json --timeout -v --help' ;;
    '/seed') words='--from --peer --listen --print-unit --home --profile --json --timeout -v --help' ;;
    '/trace') words='--from --peer --replay --home --profile --json --timeout -v --help' ;;
    '/audit') words='--from --home --profile --json --timeout -v --help' ;;
    '/diff') words='--home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_dht pars-dht
