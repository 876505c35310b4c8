// Package link assembles the host over which every protocol speaks: TCP, Noise and yamux, put together by hand, and the
// limits that hold before a stranger has proven anything.
package link
