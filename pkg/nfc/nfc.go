// Package nfc holds a card as an NFC Forum Type 4 Tag: the tag and its reader as machines without I/O,
// and the NDEF message between them.
//
// Tag answers APDUs; Android's card emulation, a virtual reader and tests hand it bytes. Reader asks
// them over one method that PC/SC and the phones have. What is read is a claim by a stranger.
package nfc

import "encoding/binary"

// Sizes of a tag of mapping version 2.0. Phones limit an APDU to 255 or 261 bytes.
const (
	MaxMessage = 32765 // bytes of NDEF
	maxRead    = 240   // MLe
	maxWrite   = 240   // MLc
	maxAPDU    = 261
	fileSize   = 0x7fff
	fileCC     = 0xe103
	fileNDEF   = 0xe104
)

// Status words of ISO 7816-4.
const (
	statusOK          = 0x9000
	statusLength      = 0x6700
	statusSecurity    = 0x6982
	statusConditions  = 0x6986
	statusNotFound    = 0x6a82
	statusOffset      = 0x6b00
	statusInstruction = 0x6d00
	statusClass       = 0x6e00
)

// appName is the NDEF tag application.
const appName = "\xd2\x76\x00\x00\x85\x01\x01"

func status(b []byte, word uint16) []byte { return binary.BigEndian.AppendUint16(b, word) }
