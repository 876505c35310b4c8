#compdef pars-gossip
autoload -U +X bashcompinit && bashcompinit
# bash completion of pars-gossip
_pars_gossip() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/relay') at='/relay' ;;
      '/pub') at='/pub' ;;
      '/sub') at='/sub' ;;
      '/peers') at='/peers' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='relay pub sub peers completion --version --help' ;;
    '/relay') words='--from --peer --listen --budget --max-mbps --metrics --quiet --shards --policy --policy-body --store --home --profile --json --timeout -v --help' ;;
    '/pub') words='--passphrase-file --from --peer --listen --budget --max-mbps --metrics --quiet --home --profile --json --timeout -v --help' ;;
    '/sub') words='--passphrase-file --from --peer --listen --budget --max-mbps --metrics --quiet --since --count --home --profile --json --timeout -v --help' ;;
    '/peers') words='--from --peer --listen --budget --max-mbps --metrics --quiet --wait --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_gossip pars-gossip
