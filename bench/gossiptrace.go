package main

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"
)

// counter counts what the library sends.
type counter struct{ s *stockNet }

func (c counter) SendRPC(r *pubsub.RPC, _ peer.ID) { c.s.bytes.Add(uint64(proto.Size(&r.RPC))) }

func (counter) OnNewOutboundStream(peer.ID, protocol.ID) {}
func (counter) OnClosedOutboundStream(peer.ID)           {}
func (counter) Join(string)                              {}
func (counter) Leave(string)                             {}
func (counter) Graft(peer.ID, string)                    {}
func (counter) Prune(peer.ID, string)                    {}
func (counter) ValidateMessage(*pubsub.Message)          {}
func (counter) DeliverMessage(*pubsub.Message)           {}
func (counter) RejectMessage(*pubsub.Message, string)    {}
func (counter) DuplicateMessage(*pubsub.Message)         {}
func (counter) ThrottlePeer(peer.ID)                     {}
func (counter) RecvRPC(*pubsub.RPC)                      {}
func (counter) DropRPC(*pubsub.RPC, peer.ID)             {}
func (counter) UndeliverableMessage(*pubsub.Message)     {}
