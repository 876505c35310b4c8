// Package spectest runs the published light-client test cases of the consensus specs against pkg/evm/light.
package spectest
