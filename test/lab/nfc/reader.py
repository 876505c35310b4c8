"""reader.py [FILE]: print, in hex, the NDEF message of the tag on the first reader that has one; with FILE write it there.

Speaks through the C library libpcsclite, as phones' and desktops' readers do. With the length that the tag's own
capability container allows, it cannot be served by a tag that knows five answers by heart.
"""
import ctypes
import struct
import sys
import time

pcsc = ctypes.CDLL("libpcsclite.so.1")
LONG, DWORD = ctypes.c_long, ctypes.c_ulong


class Protocol(ctypes.Structure):
    _fields_ = [("protocol", DWORD), ("length", DWORD)]


def check(code, what):
    if code & 0xFFFFFFFF:
        sys.exit("reader: %s: %08x" % (what, code & 0xFFFFFFFF))


def connect(context):
    card, protocol = LONG(), DWORD()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        size = DWORD(4096)
        names = ctypes.create_string_buffer(size.value)
        if pcsc.SCardListReaders(context, None, names, ctypes.byref(size)) == 0:
            for name in names.raw[: size.value].split(b"\0"):
                if name and pcsc.SCardConnect(context, name, DWORD(2), DWORD(3), ctypes.byref(card), ctypes.byref(protocol)) == 0:
                    return card, protocol
        time.sleep(0.05)
    sys.exit("reader: no tag in ten seconds")


def main():
    context = LONG()
    check(pcsc.SCardEstablishContext(DWORD(2), None, None, ctypes.byref(context)), "context")
    card, protocol = connect(context)

    def ask(text):
        apdu = bytes.fromhex(text)
        answer, size = ctypes.create_string_buffer(512), DWORD(512)
        how = Protocol(protocol.value, ctypes.sizeof(Protocol))
        check(pcsc.SCardTransmit(card, ctypes.byref(how), apdu, DWORD(len(apdu)), None, answer, ctypes.byref(size)), text)
        body, status = answer.raw[: size.value - 2], answer.raw[size.value - 2 : size.value]
        if status != b"\x90\x00":
            sys.exit("reader: %s is answered %s" % (text, status.hex()))
        return body

    start = time.monotonic()
    ask("00A4040007D276000085010100")
    ask("00A4000C02E103")
    most, file_id = struct.unpack(">3xH4xH", ask("00B000000F")[:11])
    ask("00A4000C02%04X" % file_id)
    length = struct.unpack(">H", ask("00B0000002"))[0]
    message = b""
    while len(message) < length:
        message += ask("00B0%04X%02X" % (2 + len(message), min(most, 255, length - len(message))))
    print("%d bytes in %.3f s" % (length, time.monotonic() - start), file=sys.stderr)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "wb") as f:
            f.write(message)
    else:
        print(message.hex())
    pcsc.SCardDisconnect(card, DWORD(0))
    pcsc.SCardReleaseContext(context)


main()
