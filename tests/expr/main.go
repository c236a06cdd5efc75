// Command expr asks expr-lang, the library that existing conditions were written for, for the verdicts that core's own
// language has to come to. It reads cases.txt, gives each condition the names that Argo Rollouts gives it, and writes what
// came of it.
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
)

const output = "../../core/tests/golden/expr.json"

// A testCase is a line of the output.
type testCase struct {
	Group     string          `json:"group"`
	Kind      string          `json:"kind"`
	Result    json.RawMessage `json:"result"`
	Condition string          `json:"condition"`
	// One of the two: what it says, or at which point it came to nothing.
	Verdict *bool  `json:"verdict,omitempty"`
	Error   string `json:"error,omitempty"`
	// The words of the library, for people.
	Message string `json:"message,omitempty"`
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
		fail("%s is stale: run `go run .` in tests/expr", output)
	}
}

// answer reads the cases and writes them with their answers, one a line.
//
// In the cases, `## group` begins a group, `= kind json` sets the result of what follows, and every other line that is not
// empty is a condition, in which `\n` stands for a new line.
func answer(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()

	var out bytes.Buffer
	out.WriteString("[\n")
	var group, kind, text string
	var result any
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
			kind, text, _ = strings.Cut(line[2:], " ")
			if result, err = read(kind, text); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, number, err)
			}
			continue
		}
		c := testCase{Group: group, Kind: kind, Result: json.RawMessage(text), Condition: strings.ReplaceAll(line, `\n`, "\n")}
		verdict, stage, err := evaluate(c.Condition, result)
		if err != nil {
			c.Error, c.Message = stage, strings.SplitN(err.Error(), "\n", 2)[0]
		} else {
			c.Verdict = &verdict
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

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
