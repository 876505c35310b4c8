#!/usr/bin/python3
"""desktop.py DIR: a system bus of its own at DIR/bus with a UPower and a NetworkManager that say what they are told.

Prints "ready ADDRESS", then obeys one line of standard input after the other and answers "ok" to each:
  battery on|off PERCENT   the machine runs on its battery or on mains, which holds so much
  metered N                NMMetered: 0 unknown, 1 yes, 2 no, 3 guess yes, 4 guess no
  flip N SECONDS           metered 1 and 2 in turn, N times, spread over the time
  kill                     the bus dies with both services
  start                    it comes back at the same address, with the state it had
At the end of its input it ends everything. Debian packages dbus, python3-dbus, python3-dbusmock.
"""
import os
import subprocess
import sys
import time

import dbus

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
MOCK = "org.freedesktop.DBus.Mock"
UPOWER = "org.freedesktop.UPower"
MANAGER = "org.freedesktop.NetworkManager"


class Desktop:
    """One bus and what lives on it."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "bus")
        self.config = os.path.join(folder, "bus.conf")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(CONFIG % self.path)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=" + self.path
        self.power = (False, 100.0)
        self.cost = 2
        self.children = []

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.children = [subprocess.Popen(["dbus-daemon", "--nofork", "--nosyslog", "--config-file=" + self.config], **quiet)]
        wait(self.connect)
        for template in ("upower", "networkmanager"):
            self.children.append(subprocess.Popen([sys.executable, "-m", "dbusmock", "--system", "--template", template], **quiet))
        self.bus.set_exit_on_disconnect(False)
        wait(lambda: self.bus.name_has_owner(UPOWER) and self.bus.name_has_owner(MANAGER))
        self.upower = self.bus.get_object(UPOWER, "/org/freedesktop/UPower")
        self.manager = self.bus.get_object(MANAGER, "/org/freedesktop/NetworkManager")
        # the template knows no Metered
        self.manager.AddProperty(MANAGER, "Metered", dbus.UInt32(0), dbus_interface=MOCK)
        self.set_power(*self.power)
        self.set_cost(self.cost)

    def connect(self):
        try:
            self.bus = dbus.bus.BusConnection("unix:path=" + self.path)
        except dbus.exceptions.DBusException:  # not there yet, or there and not listening yet
            return False
        return True

    def set_power(self, on_battery, percent):
        self.power = (on_battery, percent)
        self.upower.UpdateProperties(UPOWER, {"OnBattery": on_battery}, dbus_interface=MOCK)
        state = dbus.UInt32(2 if on_battery else 4 if percent == 100 else 1)
        self.upower.SetupDisplayDevice(dbus.UInt32(2), state, percent, 30.0, 80.0, 5.0, dbus.Int64(3600), dbus.Int64(0), True, "battery",
                                       dbus.UInt32(1), dbus_interface=MOCK)

    def set_cost(self, cost):
        self.cost = cost
        self.manager.UpdateProperties(MANAGER, {"Metered": dbus.UInt32(cost)}, dbus_interface=MOCK)

    def kill(self):
        for child in self.children:
            child.kill()
            child.wait()
        self.children = []

    def obey(self, words):
        if words[0] == "battery":
            self.set_power(words[1] == "on", float(words[2]))
        elif words[0] == "metered":
            self.set_cost(int(words[1]))
        elif words[0] == "flip":
            for i in range(int(words[1])):
                self.set_cost(1 + i % 2)
                time.sleep(float(words[2]) / int(words[1]))
        elif words[0] == "kill":
            self.kill()
        elif words[0] == "start":
            self.start()
        else:
            sys.exit("desktop.py: unknown order " + words[0])


def wait(ok):
    end = time.monotonic() + 10
    while not ok():
        if time.monotonic() > end:
            sys.exit("desktop.py: a service does not come up")
        time.sleep(0.02)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: desktop.py DIR")
    desktop = Desktop(sys.argv[1])
    try:
        desktop.start()
        print("ready unix:path=" + desktop.path, flush=True)
        for line in sys.stdin:
            desktop.obey(line.split())
            print("ok", flush=True)
    finally:
        desktop.kill()


main()
