// crds collects the CRDs of traffic routers that Go modules carry.
//
// usage: go mod download -json MODULE... | crds DIRECTORY
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	// Nothing of them is compiled in; `go mod tidy` keeps what is imported.
	_ "github.com/servicemeshinterface/smi-sdk-go/pkg/apis/split"
	_ "istio.io/api/label"
	_ "sigs.k8s.io/gateway-api/pkg/consts"
)

// sources says in which files of a module which definitions are.
var sources = map[string]map[string][]string{
	"github.com/servicemeshinterface/smi-sdk-go": {
		"crds/split.yaml": {"trafficsplits.split.smi-spec.io"},
	},
	"istio.io/api": {
		"kubernetes/customresourcedefinitions.gen.yaml": {
			"virtualservices.networking.istio.io",
			"destinationrules.networking.istio.io",
		},
	},
	"sigs.k8s.io/gateway-api": {
		gateway("httproutes"): {"httproutes.gateway.networking.k8s.io"},
		gateway("grpcroutes"): {"grpcroutes.gateway.networking.k8s.io"},
		gateway("tcproutes"):  {"tcproutes.gateway.networking.k8s.io"},
		gateway("tlsroutes"):  {"tlsroutes.gateway.networking.k8s.io"},
	},
}

func gateway(plural string) string {
	return "config/crd/experimental/gateway.networking.k8s.io_" + plural + ".yaml"
}

type object = map[string]any

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go mod download -json MODULE... | crds DIRECTORY")
		os.Exit(2)
	}
	if err := collect(os.Stdin, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "crds:", err)
		os.Exit(1)
	}
}

// collect writes each definition into a file of its own.
func collect(modules io.Reader, into string) error {
	decoder := json.NewDecoder(modules)
	left := len(sources)
	for {
		var module struct{ Path, Dir, Error string }
		if err := decoder.Decode(&module); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if module.Error != "" {
			return fmt.Errorf("%s: %s", module.Path, module.Error)
		}
		left--
		for file, names := range sources[module.Path] {
			found, err := read(filepath.Join(module.Dir, file))
			if err != nil {
				return err
			}
			for _, name := range names {
				if found[name] == nil {
					return fmt.Errorf("%s has no %s", file, name)
				}
				if err := write(filepath.Join(into, name+".yaml"), found[name]); err != nil {
					return err
				}
			}
		}
	}
	if left != 0 {
		return fmt.Errorf("%d modules are missing", left)
	}
	return nil
}

// read returns the definitions in a file by their names.
func read(file string) (map[string]object, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found := map[string]object{}
	for _, document := range strings.Split("\n"+string(text), "\n---") {
		var definition object
		if err := yaml.Unmarshal([]byte(document), &definition); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if metadata, ok := definition["metadata"].(object); ok {
			name, _ := metadata["name"].(string)
			found[name] = definition
		}
	}
	return found, nil
}

func write(file string, definition object) error {
	if definition["apiVersion"] == "apiextensions.k8s.io/v1beta1" {
		upgrade(definition)
	}
	text, err := yaml.Marshal(definition)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// upgrade makes a definition of v1beta1, which Kubernetes does not take any more, one of v1: what was said once for all versions
// is said for each, and what a schema does not know is dropped.
func upgrade(definition object) {
	definition["apiVersion"] = "apiextensions.k8s.io/v1"
	spec, _ := definition["spec"].(object)
	schema, _ := spec["validation"].(object)
	if root, ok := schema["openAPIV3Schema"].(object); ok {
		root["type"] = "object"
	}
	columns, _ := spec["additionalPrinterColumns"].([]any)
	for _, column := range columns {
		if column, ok := column.(object); ok {
			column["jsonPath"] = column["JSONPath"]
			delete(column, "JSONPath")
		}
	}
	versions, _ := spec["versions"].([]any)
	for _, version := range versions {
		if version, ok := version.(object); ok {
			version["schema"] = schema
			version["additionalPrinterColumns"] = columns
		}
	}
	for _, field := range []string{"version", "validation", "additionalPrinterColumns"} {
		delete(spec, field)
	}
}
