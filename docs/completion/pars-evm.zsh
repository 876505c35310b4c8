#compdef pars-evm
autoload -U +X bashcompinit && bashcompinit
# bash completion of pars-evm
_pars_evm() {
  local cur=${COMP_WORDS[COMP_CWORD]} at= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/${COMP_WORDS[i]}" in
      '/sync') at='/sync' ;;
      '/head') at='/head' ;;
      '/balance') at='/balance' ;;
      '/nonce') at='/nonce' ;;
      '/code') at='/code' ;;
      '/storage') at='/storage' ;;
      '/call') at='/call' ;;
      '/logs') at='/logs' ;;
      '/receipt') at='/receipt' ;;
      '/proof') at='/proof' ;;
      '/verify') at='/verify' ;;
      '/stake') at='/stake' ;;
      '/send') at='/send' ;;
      '/wallet') at='/wallet' ;;
      '/wallet/new') at='/wallet/new' ;;
      '/wallet/list') at='/wallet/list' ;;
      '/wallet/address') at='/wallet/address' ;;
      '/wallet/sign') at='/wallet/sign' ;;
      '/wallet/bind') at='/wallet/bind' ;;
      '/queue') at='/queue' ;;
      '/queue/ls') at='/queue/ls' ;;
      '/queue/run') at='/queue/run' ;;
      '/queue/bump') at='/queue/bump' ;;
      '/queue/cancel') at='/queue/cancel' ;;
      '/queue/drop') at='/queue/drop' ;;
      '/precompiles') at='/precompiles' ;;
      '/serve') at='/serve' ;;
      '/validator') at='/validator' ;;
      '/validator/deposit') at='/validator/deposit' ;;
      '/vectors') at='/vectors' ;;
      '/node') at='/node' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='sync head balance nonce code storage call logs receipt proof verify stake send wallet queue precompiles serve validator vectors node completion --version --help' ;;
    '/sync') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --follow --save --home --profile --json --timeout -v --help' ;;
    '/head') words='--stale --home --profile --json --timeout -v --help' ;;
    '/balance') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --home --profile --json --timeout -v --help' ;;
    '/nonce') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --home --profile --json --timeout -v --help' ;;
    '/code') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --home --profile --json --timeout -v --help' ;;
    '/storage') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --home --profile --json --timeout -v --help' ;;
    '/call') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --to --data --sender --value --gas --home --profile --json --timeout -v --help' ;;
    '/logs') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --address --topic --since --home --profile --json --timeout -v --help' ;;
    '/receipt') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block --home --profile --json --timeout -v --help' ;;
    '/proof') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --block -o --home --profile --json --timeout -v --help' ;;
    '/verify') words='--allow-old-checkpoint --home --profile --json --timeout -v --help' ;;
    '/stake') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --stale --home --profile --json --timeout -v --help' ;;
    '/send') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --passphrase-file --to --value --data --sender --gas --valid --home --profile --json --timeout -v --help' ;;
    '/wallet') words='new list address sign bind --help' ;;
    '/wallet/new') words='--passphrase-file --from-phrase --index --import --import-passphrase-file --home --profile --json --timeout -v --help' ;;
    '/wallet/list') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/wallet/address') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/wallet/sign') words='--passphrase-file --to --value --data --sender --gas --nonce --max-fee --tip --home --profile --json --timeout -v --help' ;;
    '/wallet/bind') words='--passphrase-file --sender --valid --home --profile --json --timeout -v --help' ;;
    '/queue') words='ls run bump cancel drop --help' ;;
    '/queue/ls') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/queue/run') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --passphrase-file --follow --home --profile --json --timeout -v --help' ;;
    '/queue/bump') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --passphrase-file --home --profile --json --timeout -v --help' ;;
    '/queue/cancel') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --passphrase-file --home --profile --json --timeout -v --help' ;;
    '/queue/drop') words='--passphrase-file --home --profile --json --timeout -v --help' ;;
    '/precompiles') words='--rpc --home --profile --json --timeout -v --help' ;;
    '/serve') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --passphrase-file --http --wallet --home --profile --json --timeout -v --help' ;;
    '/validator') words='deposit --help' ;;
    '/validator/deposit') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --passphrase-file --withdraw-to --index --amount --compounding --sender --from-phrase --keystores --keystore-passphrase-file --look-back --yes --home --profile --json --timeout -v --help' ;;
    '/vectors') words='--home --profile --json --timeout -v --help' ;;
    '/node') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --peer --listen --http --genesis --datadir --execute-all --cache --yes --home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_evm pars-evm
