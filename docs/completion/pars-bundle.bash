# bash completion of pars-bundle
_pars_bundle() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/pack') at='/pack' ;;
      '/plan') at='/plan' ;;
      '/ls') at='/ls' ;;
      '/verify') at='/verify' ;;
      '/unpack') at='/unpack' ;;
      '/have') at='/have' ;;
      '/split') at='/split' ;;
      '/join') at='/join' ;;
      '/repair') at='/repair' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='pack plan ls verify unpack have split join repair completion --version --help' ;;
    '/pack') words='--passphrase-file --session --from --add --carried --starter --have --max-size --parity --pad --open --unsigned --for --with-passphrase --at --days --courier-key --no-readback -o --home --profile --json --timeout -v --help' ;;
    '/plan') words='--passphrase-file --session --from --add --carried --starter --have --max-size --parity --pad --open --unsigned --for --with-passphrase --at --days --home --profile --json --timeout -v --help' ;;
    '/ls') words='--passphrase-file --from --with-passphrase --courier-key --home --profile --json --timeout -v --help' ;;
    '/verify') words='--passphrase-file --from --with-passphrase --courier-key --deep --home --profile --json --timeout -v --help' ;;
    '/unpack') words='--passphrase-file --from --with-passphrase --courier-key --into --home --profile --json --timeout -v --help' ;;
    '/have') words='--passphrase-file --cells --at -o --home --profile --json --timeout -v --help' ;;
    '/split') words='--courier-key --words --parts --need -o --home --profile --json --timeout -v --help' ;;
    '/join') words='--courier-key --words -o --home --profile --json --timeout -v --help' ;;
    '/repair') words='--passphrase-file --from --with-passphrase --courier-key -o --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_bundle pars-bundle
