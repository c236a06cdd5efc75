// Command control-plane is a whole Kubernetes control plane in one binary: etcd, the API
// server, the controller manager, the scheduler and kubectl, each the unchanged upstream
// program behind a sub-command, a stand-in for the nodes, and metrics for autoscalers. Linking
// them together means one build, one download and one shared copy of the libraries.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"sluice.dev/control-plane/internal/credentials"
	"sluice.dev/control-plane/internal/metrics"
	"sluice.dev/control-plane/internal/node"
	"sluice.dev/control-plane/internal/ready"
)

// programs maps each sub-command to its entry point. Entry points read os.Args, so that
// upstream code finds there what it would find in a binary of its own.
var programs = map[string]func() int{
	"apiserver":          apiserver,
	"controller-manager": controllerManager,
	"credentials":        credentials.Main,
	"etcd":               etcd,
	"kubectl":            kubectl,
	"metrics":            metrics.Main,
	"node":               node.Main,
	"scheduler":          scheduler,
	"wait":               ready.Main,
}

func main() {
	// A symlink named after a program is that program.
	name := filepath.Base(os.Args[0])
	if _, ok := programs[name]; !ok {
		if len(os.Args) < 2 {
			usage()
		}
		name, os.Args = os.Args[1], os.Args[1:]
	}
	program, ok := programs[name]
	if !ok {
		usage()
	}
	os.Exit(program())
}

func usage() {
	names := make([]string, 0, len(programs))
	for name := range programs {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "usage: control-plane %s [flags]\n", strings.Join(names, "|"))
	os.Exit(2)
}
