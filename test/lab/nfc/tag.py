"""tag.py FILE: be a Type 4 tag with the NDEF message of FILE on the virtual reader, until it is stopped.

Written from the NFC Forum's specification, apart from the Go code, so that one checks the other.
"""
import socket
import struct
import sys

with open(sys.argv[1], "rb") as f:
    message = f.read()

CC, NDEF = 0xE103, 0xE104
FILES = {
    # length 15, mapping 2.0, MLe and MLc 59, the NDEF file of 32 kB, read by all, written by none
    CC: struct.pack(">HBHHBBHHBB", 15, 0x20, 59, 59, 4, 6, NDEF, 0x7FFF, 0, 0xFF),
    NDEF: struct.pack(">H", len(message)) + message,
}
APPLICATION = bytes.fromhex("D2760000850101")


class Tag:
    def __init__(self):
        self.reset()

    def reset(self):
        self.in_application, self.file = False, None

    def answer(self, apdu):
        if len(apdu) < 4:
            return b"\x67\x00"
        if apdu[1] == 0xA4:
            return self.select(apdu)
        if apdu[1] == 0xB0 and len(apdu) == 5:
            return self.read(*struct.unpack(">HB", apdu[2:]))
        return b"\x6d\x00"

    def select(self, apdu):
        name = apdu[5 : 5 + apdu[4]] if len(apdu) > 4 else b""
        if apdu[2] == 4:
            self.in_application, self.file = name == APPLICATION, None
            return b"\x90\x00" if self.in_application else b"\x6a\x82"
        wanted = struct.unpack(">H", name)[0] if len(name) == 2 else 0
        if not self.in_application or wanted not in FILES:
            return b"\x6a\x82"
        self.file = FILES[wanted]
        return b"\x90\x00"

    def read(self, offset, count):
        if self.file is None:
            return b"\x69\x86"
        if offset >= len(self.file):
            return b"\x6b\x00"
        return self.file[offset : offset + min(count or 256, 59)] + b"\x90\x00"


def main():
    tag = Tag()
    with socket.create_connection(("127.0.0.1", 35963)) as reader:
        stream = reader.makefile("rwb")
        while True:
            head = stream.read(2)
            if len(head) < 2:
                return
            command = stream.read(struct.unpack(">H", head)[0])
            if len(command) == 1:  # off, on, reset; 4 asks for the answer to reset
                if command != b"\x04":
                    tag.reset()
                    continue
                out = bytes.fromhex("3B80800101")
            else:
                out = tag.answer(command)
            stream.write(struct.pack(">H", len(out)) + out)
            stream.flush()


main()
