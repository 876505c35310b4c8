# fish completion of pars-dht
complete -c pars-dht -f -n '__fish_use_subcommand' -a completion -d 'print a completion script'
complete -c pars-dht -n '__fish_seen_subcommand_from completion' -l home -r -d 'keep keys and data in DIR'
complete -c pars-dht -n '__fish_seen_subcommand_from completion' -l profile -r -d 'speak for the network of the profile NAME|FILE'
complete -c pars-dht -n '__fish_seen_subcommand_from completion' -l json -d 'print JSON lines'
complete -c pars-dht -n '__fish_seen_subcommand_from completion' -l timeout -r -d 'give up after D, such as 30s or 2h'
complete -c pars-dht -n '__fish_seen_subcommand_from completion' -s v -d 'tell more on standard error'
complete -c pars-dht -l help -s h -d 'show help'
