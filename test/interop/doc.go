// Package interop holds what runs against real networks and real peers: make interop. Its tests are built with the tag
// interop; they need root for network namespaces, and what test/lab/install.sh installs.
package interop
