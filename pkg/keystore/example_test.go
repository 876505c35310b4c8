package keystore_test

import (
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/store/storetest"
)

func Example() {
	disk := storetest.NewDisk() // store.OS(home) in a program
	secret := keystore.File(disk)
	keys, err := keystore.NewKeys(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := keystore.Create(disk, secret, nil, keys, nil); err != nil {
		fmt.Println(err)
		return
	}
	opened, err := keystore.Open(disk, secret, nil)
	fmt.Println(err == nil && opened.Keys.DEK == keys.DEK)

	fmt.Println(keystore.Wipe(disk, secret))
	_, err = keystore.Open(disk, secret, nil)
	fmt.Println(errors.Is(err, keystore.ErrNone))
	// Output:
	// true
	// <nil>
	// true
}
