package node

import (
	"github.com/pars-network/pars/pkg/peerbook"
	"github.com/pars-network/pars/pkg/wire"
)

var alarmName = []byte("alarm")

const maxWhy = 256

// loadAlarm takes up the alarm of the last run: whoever can make a node restart must not be able to end it.
func (k *book) loadAlarm() {
	b, err := k.n.home.setting(alarmName)
	if err != nil {
		return
	}
	d := wire.NewDecoder(b)
	why := d.Text(maxWhy)
	if d.End() != nil {
		k.n.log.Warn("the alarm is damaged on disk")
		why = "there was an alarm, and why is damaged on disk"
	}
	k.alarm = peerbook.Resume(why)
}

// saveAlarm keeps why there is one, "" for none.
func (k *book) saveAlarm(why string) {
	if err := k.n.home.saveSetting(alarmName, wire.AppendText(nil, why)); err != nil {
		k.n.log.Warn("alarm not saved", "why", err)
	}
}
