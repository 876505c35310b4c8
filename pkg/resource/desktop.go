package resource

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of the services that know, and of what they are asked for.
const (
	upName = "org.freedesktop.UPower"
	upPath = "/org/freedesktop/UPower"
	upDisp = "/org/freedesktop/UPower/devices/DisplayDevice"
	upDev  = "org.freedesktop.UPower.Device"
	nmName = "org.freedesktop.NetworkManager"
	nmPath = "/org/freedesktop/NetworkManager"
	props  = "org.freedesktop.DBus.Properties"
)

const (
	busSocket  = "/run/dbus/system_bus_socket"
	busAnswer  = 5 * time.Second        // a service answers within
	busSettle  = 100 * time.Millisecond // signals that come together are one change
	busAgain   = time.Minute            // asked again without a signal, which shows that the source lives
	busBackoff = time.Minute            // longest wait before the bus is tried again
)

// BusAddress returns the address of the system bus of this machine: what env says of
// DBUS_SYSTEM_BUS_ADDRESS, else the usual socket where there is one, else "".
func BusAddress(env func(string) string) string {
	if a := env("DBUS_SYSTEM_BUS_ADDRESS"); a != "" {
		return a
	}
	if st, err := os.Stat(busSocket); err == nil && st.Mode()&os.ModeSocket != 0 {
		return "unix:path=" + busSocket
	}
	return ""
}

// Desktop asks UPower for the battery and NetworkManager for the cost of the network over the system
// bus, and again whenever one of them says that something changed.
type Desktop struct {
	Address string            // of the bus, as BusAddress gives it
	Tell    func(Signals)     // is told what is known, from the goroutine of Run
	Failed  func(error)       // is told why the bus was lost; may be nil
	Wait    func(int) float64 // draws a part in [0,1) of the n-th wait; nil: none is left out
}

// Run watches until ctx ends. A bus that is lost is tried again after 1 s, later each time, up to a
// minute. What was told last stays true until somebody decides otherwise: Manager does after ten minutes.
func (d *Desktop) Run(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		worked, err := d.session(ctx)
		if worked {
			tries = 0
		}
		if d.Failed != nil && err != nil && ctx.Err() == nil {
			d.Failed(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(d.wait(tries)):
		}
	}
}

// wait is how long to wait after so many failures in a row.
func (d *Desktop) wait(tries int) time.Duration {
	w := min(time.Second<<min(tries, 10), busBackoff)
	if d.Wait != nil {
		w -= time.Duration(d.Wait(tries) * float64(w) / 2)
	}
	return max(w, time.Second)
}

// session is one connection to the bus. It reports whether anything was told.
func (d *Desktop) session(ctx context.Context) (told bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, signals, err := openBus(ctx, cancel, d.Address)
	if err != nil {
		return false, fmt.Errorf("system bus: %w", err)
	}
	defer conn.Close()
	again := time.NewTicker(busAgain)
	defer again.Stop()
	for {
		s, err := ask(ctx, conn)
		if err != nil {
			return told, fmt.Errorf("system bus: %w", err)
		}
		d.Tell(s)
		told = true
		select {
		case <-conn.Context().Done():
			return told, errors.New("system bus is gone")
		case _, ok := <-signals:
			if !ok {
				return told, errors.New("system bus is gone")
			}
			settle(ctx, signals)
		case <-again.C:
		}
	}
}

// settle waits a moment and drops what came meanwhile: everything is read anew anyway.
func settle(ctx context.Context, signals <-chan *dbus.Signal) {
	timer := time.NewTimer(busSettle)
	defer timer.Stop()
	for {
		select {
		case _, ok := <-signals:
			if !ok {
				return
			}
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// openBus connects and asks for signals of both services. A bus that accepts and then says nothing is
// given up by cancel.
func openBus(ctx context.Context, cancel func(), address string) (*dbus.Conn, <-chan *dbus.Signal, error) {
	late := time.AfterFunc(busAnswer, cancel)
	defer late.Stop()
	conn, err := dbus.Dial(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	err = errors.Join(conn.Auth(nil))
	if err == nil {
		err = conn.Hello()
	}
	for _, m := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(upName), dbus.WithMatchMember("PropertiesChanged")},
		{dbus.WithMatchSender(nmName), dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchObjectPath(nmPath)},
		{dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, upName)},
		{dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, nmName)},
	} {
		if err == nil {
			err = conn.AddMatchSignalContext(ctx, m...)
		}
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, signals, nil
}

// ask reads everything. A service that is not there is no error, a bus that is gone is one. No service is
// started by being asked.
func ask(ctx context.Context, conn *dbus.Conn) (s Signals, err error) {
	ctx, cancel := context.WithTimeout(ctx, busAnswer)
	defer cancel()
	get := func(dest string, path dbus.ObjectPath, iface, name string) any {
		var v dbus.Variant
		call := conn.Object(dest, path).CallWithContext(ctx, props+".Get", dbus.FlagNoAutoStart, iface, name)
		if e := call.Store(&v); e != nil && !isAnswer(e) {
			err = errors.Join(err, e)
		}
		return v.Value()
	}
	var p power
	p.onBattery, p.known = get(upName, upPath, upName, "OnBattery").(bool)
	if p.known {
		p.present, _ = get(upName, upDisp, upDev, "IsPresent").(bool)
		p.percent, _ = get(upName, upDisp, upDev, "Percentage").(float64)
		p.state, _ = get(upName, upDisp, upDev, "State").(uint32)
	}
	s.Battery, s.Charging = p.signals()
	if m, ok := get(nmName, nmPath, nmName, "Metered").(uint32); ok {
		s.Metered = metered(m)
	}
	return s, err
}

// isAnswer reports whether an error was said by the bus or a service, so that the bus itself lives.
func isAnswer(err error) bool {
	var said dbus.Error
	return errors.As(err, &said)
}

// power is what UPower says (its manual: org.freedesktop.UPower and .Device).
type power struct {
	known, onBattery, present bool
	percent                   float64
	state                     uint32
}

// discharging is the State of a device that gives power.
const discharging = 2

// signals turns it into what the Manager is told. The display device of a machine without a battery is
// not present and says 0 %.
func (p power) signals() (battery *int, charging *bool) {
	if !p.known {
		return nil, nil
	}
	c := !p.onBattery && !(p.present && p.state == discharging)
	if p.present && p.percent >= 0 && p.percent <= 100 {
		n := int(p.percent)
		battery = &n
	}
	return battery, &c
}

// metered turns NMMetered into what the Manager is told: 1 yes and 3 guess-yes cost, 2 no and 4 guess-no
// do not, and neither does 0, no network that is known.
func metered(m uint32) *bool {
	yes := m == 1 || m == 3
	return &yes
}
