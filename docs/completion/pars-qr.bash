# bash completion of pars-qr
_pars_qr() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/show') at='/show' ;;
      '/scan') at='/scan' ;;
      '/card') at='/card' ;;
      '/simulate') at='/simulate' ;;
      '/nfc') at='/nfc' ;;
      '/nfc/encode') at='/nfc/encode' ;;
      '/nfc/decode') at='/nfc/decode' ;;
      '/nfc/read') at='/nfc/read' ;;
      '/nfc/emulate') at='/nfc/emulate' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='show scan card simulate nfc completion --version --help' ;;
    '/show') words='--from -o --format --fps --chunk --ecc --auto --print --tight --ur --type --answer --scale --per-sheet --spare --yes --home --profile --json --timeout -v --help' ;;
    '/scan') words='--from -o --state --missing --home --profile --json --timeout -v --help' ;;
    '/card') words='--passphrase-file --digits --expires --number --new --full --fetch --peer --held --verify --of -o --home --profile --json --timeout -v --help' ;;
    '/simulate') words='--loss --burst --burst-length --join-at-random --blur --noise --rotate --perspective --scale --merge --crop --glare --fps --fps-camera --chunk --ecc --seed -o --home --profile --json --timeout -v --help' ;;
    '/nfc') words='encode decode read emulate --help' ;;
    '/nfc/encode') words='--full -o --home --profile --json --timeout -v --help' ;;
    '/nfc/decode') words='--from --home --profile --json --timeout -v --help' ;;
    '/nfc/read') words='-o --home --profile --json --timeout -v --help' ;;
    '/nfc/emulate') words='--full --vpcd --open --once --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_qr pars-qr
