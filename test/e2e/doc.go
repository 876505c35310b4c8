// Package e2e tells the stories of the README with the real commands, each run as a process of its own.
package e2e
