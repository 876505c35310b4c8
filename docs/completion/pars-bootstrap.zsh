#compdef pars-bootstrap
autoload -U +X bashcompinit && bashcompinit
# bash completion of pars-bootstrap
_pars_bootstrap() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/ens') at='/ens' ;;
      '/ens/resolve') at='/ens/resolve' ;;
      '/hns') at='/hns' ;;
      '/hns/sync') at='/hns/sync' ;;
      '/hns/status') at='/hns/status' ;;
      '/hns/resolve') at='/hns/resolve' ;;
      '/hns/proof') at='/hns/proof' ;;
      '/hns/verify') at='/hns/verify' ;;
      '/resolve') at='/resolve' ;;
      '/explain') at='/explain' ;;
      '/probe') at='/probe' ;;
      '/lookup') at='/lookup' ;;
      '/prove') at='/prove' ;;
      '/verify') at='/verify' ;;
      '/key') at='/key' ;;
      '/key/new') at='/key/new' ;;
      '/key/set') at='/key/set' ;;
      '/key/rotate') at='/key/rotate' ;;
      '/sign') at='/sign' ;;
      '/publish') at='/publish' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='ens hns resolve explain probe lookup prove verify key sign publish completion --version --help' ;;
    '/ens') words='resolve --help' ;;
    '/ens/resolve') words='--rpc --own --text --address --coin --contenthash --offchain --registry --home --profile --json --timeout -v --help' ;;
    '/hns') words='sync status resolve proof verify --help' ;;
    '/hns/sync') words='--chain --peer --proxy --agree --home --profile --json --timeout -v --help' ;;
    '/hns/status') words='--chain --home --profile --json --timeout -v --help' ;;
    '/hns/resolve') words='--chain --peer --proxy --agree --stale --server --home --profile --json --timeout -v --help' ;;
    '/hns/proof') words='--chain --peer --proxy --agree -o --stale --home --profile --json --timeout -v --help' ;;
    '/hns/verify') words='--chain --home --profile --json --timeout -v --help' ;;
    '/resolve') words='--server --anchor --ca --proxy --road --file --rpc --beacon --covert-only --no-mdns --all --home --profile --json --timeout -v --help' ;;
    '/explain') words='--server --anchor --ca --proxy --road --file --rpc --beacon --covert-only --no-mdns --home --profile --json --timeout -v --help' ;;
    '/probe') words='--server --anchor --ca --proxy --road --file --rpc --beacon --covert-only --no-mdns --canary --home --profile --json --timeout -v --help' ;;
    '/lookup') words='--server --anchor --ca --proxy --home --profile --json --timeout -v --help' ;;
    '/prove') words='--server --anchor --ca --proxy -o --rfc9102 --home --profile --json --timeout -v --help' ;;
    '/verify') words='--at --anchor --rfc9102 --set --home --profile --json --timeout -v --help' ;;
    '/key') words='new set rotate --help' ;;
    '/key/new') words='-o --home --profile --json --timeout -v --help' ;;
    '/key/set') words='--need --epoch --home --profile --json --timeout -v --help' ;;
    '/key/rotate') words='--old --to --key -o --home --profile --json --timeout -v --help' ;;
    '/sign') words='--key --set --seq --expires --domestic --zone --text -o --home --profile --json --timeout -v --help' ;;
    '/publish') words='--zone --zonefile --update --tsig --rotation --dnsaddr --dry-run --diff --remove --server --ca --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_bootstrap pars-bootstrap
