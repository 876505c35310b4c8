package store_test

import (
	"fmt"

	"github.com/pars-network/pars/pkg/store"
)

func Example() {
	s, err := store.New(store.NewMemory(), store.Options{Key: store.Key{1}}) // OpenBadger(dir, …) in a program
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	session := s.Space(7, store.Key{2})
	var b store.Batch
	session.Put(&b, store.TableBody, []byte{1}, []byte("salam"))
	session.Put(&b, store.TableState, session.Name(store.TableState, []byte("heads")), []byte{1})
	fmt.Println(s.Commit(&b))
	body, err := session.Get(store.TableBody, []byte{1})
	fmt.Println(string(body), err)
	// Output:
	// <nil>
	// salam <nil>
}
