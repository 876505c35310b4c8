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
      '/serve') at='/serve' ;;
      '/vectors') at='/vectors' ;;
      '/completion') at='/completion' ;;
    esac
  done
  case "$at" in
    '') words='sync head balance nonce code storage call logs receipt proof verify serve vectors completion --version --help' ;;
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
    '/serve') words='--beacon --rpc --files --checkpoint --allow-old-checkpoint --http --home --profile --json --timeout -v --help' ;;
    '/vectors') words='--home --profile --json --timeout -v --help' ;;
    '/completion') words='--home --profile --json --timeout -v --help' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pars_evm pars-evm
