// Package node joins the protocols into the node that every user runs.
package node
