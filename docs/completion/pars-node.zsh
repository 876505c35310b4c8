#compdef pars-node
autoload -U +X bashcompinit && bashcompinit
# bash completion of pars-node
_pars_node() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/init') at='/init' ;;
      '/phrase') at='/phrase' ;;
      '/run') at='/run' ;;
      '/status') at='/status' ;;
      '/id') at='/id' ;;
      '/peers') at='/peers' ;;
      '/sessions') at='/sessions' ;;
      '/invite') at='/invite' ;;
      '/join') at='/join' ;;
      '/send') at='/send' ;;
      '/read') at='/read' ;;
      '/members') at='/members' ;;
      '/wipe') at='/wipe' ;;
      '/service') at='/service' ;;
      '/service/install') at='/service/install' ;;
      '/service/remove') at='/service/remove' ;;
      '/service/status') at='/service/status' ;;
      '/service/print') at='/service/print' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='init phrase run status id peers sessions invite join send read members wipe service completion --version --help' ;;
    '/init') words='--passphrase-file --from-phrase --no-passphrase --home --profile --json --timeout -v --help' ;;
    '/phrase') words='--passphrase-file --done --yes --home --profile --json --timeout -v --help' ;;
    '/run') words='--passphrase-file --chain --checkpoint --allow-old-checkpoint --beacon --rpc --gateway --listen --peer --no-mdns --no-dht --no-resolve --list --no-mail --offline --metered --budget --max-mbps --metrics --events --home --profile --json --timeout -v --help' ;;
    '/status') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/id') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/peers') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/sessions') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/invite') words='--passphrase-file --title --expires --home --profile --json --timeout -v --help' ;;
    '/join') words='--passphrase-file --name --home --profile --json --timeout -v --help' ;;
    '/send') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/read') words='--passphrase-file --since --follow --home --profile --json --timeout -v --help' ;;
    '/members') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/wipe') words='--yes --home --profile --json --timeout -v --help' ;;
    '/service') words='install remove status print --help' ;;
    '/service/install') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/service/remove') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/service/status') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/service/print') words='--passphrase-file --system --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_node pars-node
