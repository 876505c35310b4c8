//go:build interop

package interop

import "encoding/binary"

// Opcodes of the EVM that the contracts below use.
const (
	opAdd          = 0x01
	opEq           = 0x14
	opAnd          = 0x16
	opNot          = 0x19
	opShr          = 0x1c
	opAddress      = 0x30
	opCallDataLoad = 0x35
	opCallDataCopy = 0x37
	opCodeCopy     = 0x39
	opMstore       = 0x52
	opJumpI        = 0x57
	opJumpDest     = 0x5b
	opPush1        = 0x60
	opPush2        = 0x61
	opPush4        = 0x63
	opDup1         = 0x80
	opReturn       = 0xf3
	opRevert       = 0xfd
)

// label is a place in the code, and jump to is its address.
type (
	label string
	to    string
)

// assemble joins opcodes (int), bytes to push or to keep ([]byte), places and jumps.
func assemble(parts ...any) []byte {
	var code []byte
	places, jumps := map[string]int{}, map[int]string{}
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			code = append(code, byte(p))
		case []byte:
			code = append(code, p...)
		case label:
			places[string(p)] = len(code)
		case to:
			code = append(code, opPush2)
			jumps[len(code)] = string(p)
			code = append(code, 0, 0)
		}
	}
	for at, name := range jumps {
		binary.BigEndian.PutUint16(code[at:], uint16(places[name]))
	}
	return code
}

func push1(n byte) []byte { return []byte{opPush1, n} }

// on jumps to a place when the call is of a function.
func on(signature, place string) []any {
	return []any{opDup1, append([]byte{opPush4}, keccak256([]byte(signature))[:4]...), opEq, to(place), opJumpI}
}

// creation is code that deploys code.
func creation(code []byte) []byte {
	size := binary.BigEndian.AppendUint16(nil, uint16(len(code)))
	return assemble(append([]byte{opPush2}, size...), opDup1, push1(12), push1(0), opCodeCopy, push1(0), opReturn, code)
}

// selectorOf leaves the called function on the stack.
func selectorOf() []any { return []any{push1(0), opCallDataLoad, push1(0xe0), opShr} }

// yes returns 1.
func yes() []any {
	return []any{opJumpDest, push1(1), push1(0), opMstore, push1(32), push1(0), opReturn}
}

// roundUp makes the number on the stack one of whole words.
func roundUp() []any { return []any{push1(31), opAdd, push1(31), opNot, opAnd} }

// wildcardCode is a resolver of ENSIP-10: its answer to every call is the name that it was asked for, as bytes in bytes.
func wildcardCode() []byte {
	parts := append(selectorOf(), on("supportsInterface(bytes4)", "supports")...)
	parts = append(parts, on("resolve(bytes,bytes)", "resolve")...)
	parts = append(parts, push1(0), push1(0), opRevert, label("supports"))
	parts = append(parts, yes()...)
	parts = append(parts, label("resolve"), opJumpDest)
	// memory: 0x20 | size | 0x20 | length | name
	parts = append(parts, push1(0x20), opDup1, push1(0), opMstore, push1(0x40), opMstore)
	parts = append(parts, push1(0x44), opCallDataLoad)
	parts = append(parts, roundUp()...) // length of the name in whole words
	parts = append(parts, opDup1, push1(0x20), opAdd, push1(0x44), push1(0x60), opCallDataCopy)
	parts = append(parts, opDup1, push1(0x40), opAdd, push1(0x20), opMstore)
	parts = append(parts, push1(0x80), opAdd, push1(0), opReturn)
	return assemble(parts...)
}

// offchainCode is a resolver of ENSIP-10 that sends every call to a gateway, and answers with what the gateway says.
func offchainCode(url string) []byte {
	const callback = "answer(bytes,bytes)"
	tail := arguments(text("question"))[32:]
	list := append(uint256(1), arguments(text(url))...)
	fn := append(keccak256([]byte(callback))[:4], make([]byte, 28)...)
	blob := keccak256([]byte("OffchainLookup(address,string[],bytes,bytes4,bytes)"))[:4]
	blob = append(blob, make([]byte, 32)...) // this contract
	blob = append(append(blob, uint256(160)...), uint256(160+len(list))...)
	blob = append(append(blob, fn...), uint256(160+len(list)+len(tail))...)
	blob = append(append(append(blob, list...), tail...), uint256(0)...)
	size := binary.BigEndian.AppendUint16([]byte{opPush2}, uint16(len(blob)))

	parts := append(selectorOf(), on("supportsInterface(bytes4)", "supports")...)
	parts = append(parts, on("resolve(bytes,bytes)", "resolve")...)
	parts = append(parts, on(callback, "callback")...)
	parts = append(parts, push1(0), push1(0), opRevert, label("supports"))
	parts = append(parts, yes()...)
	parts = append(parts, label("resolve"), opJumpDest)
	parts = append(parts, size, opDup1, to("blob"), push1(0), opCodeCopy, opAddress, push1(4), opMstore, push1(0), opRevert)
	parts = append(parts, label("callback"), opJumpDest)
	// memory: 0x20 | length | answer
	parts = append(parts, push1(0x20), push1(0), opMstore, push1(0x44), opCallDataLoad)
	parts = append(parts, roundUp()...)
	parts = append(parts, opDup1, push1(0x20), opAdd, push1(0x44), push1(0x20), opCallDataCopy)
	parts = append(parts, push1(0x40), opAdd, push1(0), opReturn, 0, label("blob"), blob)
	return assemble(parts...)
}
