// Command jsonpath asks client-go, the library that kubectl has, what the paths in cases.txt lead to, and writes what came of
// it for core's own JSONPath to be compared with.
//
// Run it from its own directory: `go run .` rewrites the output, `go run . -check` fails when it is stale.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

const output = "../../core/tests/golden/jsonpath.json"

// A testCase is a line of the output.
type testCase struct {
	Group    string          `json:"group"`
	Document json.RawMessage `json:"document"`
	Path     string          `json:"path"`
	// One of the two: the values, or that there are none and why, in the words of the library.
	Values *[]json.RawMessage `json:"values,omitempty"`
	Error  string            `json:"error,omitempty"`
}

func main() {
	check := flag.Bool("check", false, "compare with the committed output instead of writing it")
	flag.Parse()

	content, err := answer("cases.txt")
	if err != nil {
		fail("%v", err)
	}
	if !*check {
		if err := os.WriteFile(output, content, 0o644); err != nil {
			fail("write %s: %v", output, err)
		}
		return
	}
	if have, err := os.ReadFile(output); err != nil || !bytes.Equal(have, content) {
		fail("%s is stale: run `go run .` in tests/jsonpath", output)
	}
}

// answer reads the cases and writes them with their answers, one a line.
//
// In the cases, `## group` begins a group, `= json` sets the document of what follows, and every other line that is not empty
// is a path.
func answer(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()

	var out bytes.Buffer
	out.WriteString("[\n")
	var group, document string
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		switch {
		case strings.TrimSpace(line) == "":
			continue
		case strings.HasPrefix(line, "## "):
			group = line[3:]
			continue
		case strings.HasPrefix(line, "= "):
			document = line[2:]
			continue
		}
		c := testCase{Group: group, Document: json.RawMessage(document), Path: line}
		values, err := find(document, line)
		if err != nil {
			c.Error = err.Error()
		} else {
			c.Values = &values
		}
		var encoded bytes.Buffer
		encoder := json.NewEncoder(&encoded)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if out.Len() > 2 {
			out.WriteString(",\n")
		}
		out.Write(bytes.TrimSpace(encoded.Bytes()))
	}
	out.WriteString("\n]\n")
	return out.Bytes(), lines.Err()
}

// find is what a web metric does with an answer: decodes it without a type, and walks.
func find(document, path string) (values []json.RawMessage, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	var data any
	if err := json.Unmarshal([]byte(document), &data); err != nil {
		return nil, err
	}
	parser := jsonpath.New("case")
	if err := parser.Parse(path); err != nil {
		return nil, err
	}
	blocks, err := parser.FindResults(data)
	if err != nil {
		return nil, err
	}
	values = []json.RawMessage{}
	for _, block := range blocks {
		for _, value := range block {
			encoded, err := json.Marshal(value.Interface())
			if err != nil {
				return nil, err
			}
			values = append(values, encoded)
		}
	}
	return values, nil
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
