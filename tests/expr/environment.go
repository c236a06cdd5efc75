package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/expr-lang/expr"
)

// A record stands for the results that are Go structs, such as CloudWatch's.
type record struct {
	Id         *string
	Label      *string
	StatusCode string
	Values     []float64
}

// read makes a result as a provider would.
func read(kind, text string) (any, error) {
	decode := func(into any) error { return json.Unmarshal([]byte(text), into) }
	switch kind {
	case "json": // web, NewRelic, SkyWalking: whatever JSON says
		var value any
		err := decode(&value)
		return value, err
	case "float": // a scalar; NaN and the infinities are texts
		var word string
		if err := decode(&word); err != nil {
			return nil, err
		}
		return strconv.ParseFloat(word, 64)
	case "floats": // a vector of Prometheus; the same
		var words []string
		if err := decode(&words); err != nil {
			return nil, err
		}
		numbers := make([]float64, 0, len(words))
		for _, word := range words {
			number, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, number)
		}
		return numbers, nil
	case "records": // CloudWatch
		var records []record
		err := decode(&records)
		return records, err
	}
	return nil, fmt.Errorf("there is no kind %q", kind)
}

// evaluate does as Argo Rollouts does: it compiles the condition with the result among its names, runs it, and wants a bool.
func evaluate(condition string, result any) (verdict bool, stage string, err error) {
	env := map[string]any{
		"result":  result,
		"asInt":   asInt,
		"asFloat": asFloat,
		"isNaN":   math.IsNaN,
		"isInf":   func(number float64) bool { return math.IsInf(number, 0) },
		// Both look at the whole result, whatever they are given.
		"isNil": func(any) bool { return result == nil },
		"default": func(_, instead any) any {
			if result == nil {
				return instead
			}
			return result
		},
	}
	program, err := expr.Compile(condition, expr.Env(env))
	if err != nil {
		return false, "compile", err
	}
	value, err := expr.Run(program, env)
	if err != nil {
		return false, "run", err
	}
	verdict, is := value.(bool)
	if !is {
		return false, "not a bool", fmt.Errorf("expected bool, but got %T", value)
	}
	return verdict, "", nil
}

func asInt(value any) int64 {
	switch value := value.(type) {
	case float64:
		return int64(value)
	case int64:
		return value
	case int:
		return int64(value)
	case string:
		number, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			panic(err)
		}
		return number
	}
	panic(fmt.Sprintf("asInt() not supported on %T %v", value, value))
}

func asFloat(value any) float64 {
	switch value := value.(type) {
	case float64:
		return value
	case int64:
		return float64(value)
	case int:
		return float64(value)
	case string:
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			panic(err)
		}
		return number
	}
	panic(fmt.Sprintf("asFloat() not supported on %T %v", value, value))
}
