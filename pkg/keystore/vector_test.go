package keystore

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The files are formats that stay: a change here locks everybody out.
func TestFileVectors(t *testing.T) {
	for pass, want := range map[string][2]string{
		"":     {"0969ba2e10c76c5b156c7db660be60d78a4d434cba31cdd6030ee260f7dfefc2", "048c868fcd00ddf0da0cf8edd5015f4f082fc96303b8d6f0d797dc26beaa073d"},
		"pass": {"60a75c4524104eb5f67ef4d21dc7d115112100d1eedfbf47dfcfb26cafa0d8d0", "048c868fcd00ddf0da0cf8edd5015f4f082fc96303b8d6f0d797dc26beaa073d"},
	} {
		d, _ := home(t, pass, sample(t, 1))
		for i, name := range []string{fileKeys, fileState} {
			b, err := d.ReadFile(name)
			sum := sha256.Sum256(b)
			if got := hex.EncodeToString(sum[:]); err != nil || got != want[i] {
				t.Errorf("passphrase %q, %s: got %s, %v", pass, name, got, err)
			}
		}
	}
}
