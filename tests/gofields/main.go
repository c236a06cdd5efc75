// Command gofields derives, from Kubernetes' own Go types, what core's identity room has to know about them: the field
// table that reproduces encoding/json byte for byte, and the vectors that prove the table, the defaulting and the
// quantities right; and what the sandbox has to know to read protobuf.
//
// Run it from its own directory: `go run .` rewrites the outputs, `go run . -check` fails when they are stale.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// output is one generated file, relative to this directory.
type output struct {
	path    string
	content []byte
}

func main() {
	check := flag.Bool("check", false, "compare with the committed outputs instead of writing them")
	flag.Parse()

	table, err := rustfmt(fieldTable())
	if err != nil {
		fail("format the field table with rustfmt: %v", err)
	}
	golden := "../../core/tests/golden/"
	outputs := []output{
		{"../../core/src/identity/go_fields.rs", table},
		{golden + "pod_fields.json", lines(fieldVectors())},
		{golden + "pod_defaults.json", lines(defaultVectors())},
		{golden + "pod_tolerance.json", lines(toleranceVectors())},
		{golden + "quantities.json", lines(quantityVectors())},
		{"../../sandbox/src/protobuf/fields.txt.gz", wireFields()},
		{"../../sandbox/tests/recorded/protobuf.jsonl.gz", wireVectors()},
		{"../../sandbox/src/kinds/validate/difference/pod-types.txt", internalTypes()},
	}
	stale := false
	for _, out := range outputs {
		if !*check {
			if err := os.MkdirAll(filepath.Dir(out.path), 0o755); err != nil {
				fail("make the directory of %s: %v", out.path, err)
			}
			if err := os.WriteFile(out.path, out.content, 0o644); err != nil {
				fail("write %s: %v", out.path, err)
			}
			continue
		}
		if have, err := os.ReadFile(out.path); err != nil || !bytes.Equal(have, out.content) {
			fmt.Fprintf(os.Stderr, "%s is stale: run `go run .` in tests/gofields\n", out.path)
			stale = true
		}
	}
	if stale {
		os.Exit(1)
	}
}

// lines writes an array with one element a line, so that a change of one vector is a change of one line.
func lines[T any](items []T) []byte {
	var out bytes.Buffer
	out.WriteString("[\n")
	for i, item := range items {
		out.Write(mustJSON(item))
		if i < len(items)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]\n")
	return out.Bytes()
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		fail("encode %T: %v", v, err)
	}
	return data
}

func mustDecode(data []byte, into any) {
	if err := json.Unmarshal(data, into); err != nil {
		fail("decode %s: %v", data, err)
	}
}

func rustfmt(source []byte) ([]byte, error) {
	cmd := exec.Command("rustfmt", "--edition", "2024", "--config-path", "../../rustfmt.toml")
	cmd.Stdin = bytes.NewReader(source)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "gofields: "+format+"\n", args...)
	os.Exit(1)
}
